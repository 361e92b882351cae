package io.bardstream.training;

import io.bardstream.event.Checkpoint;
import io.bardstream.event.Stage;
import io.bardstream.service.ApiException;
import io.bardstream.service.Listing;
import io.smallrye.common.annotation.Blocking;
import jakarta.inject.Inject;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import java.time.Instant;
import java.util.Map;

/** Checkpoints that are announced and on the disk, newest first. */
@Path("/v1/checkpoints")
@Blocking
public class CheckpointsResource {
    @Inject
    Facts facts;

    /**
     * A checkpoint as it is shown.
     *
     * @param path folder, relative to the checkpoint store
     */
    public record CheckpointView(
            String id,
            String model,
            Stage stage,
            String parent,
            String run,
            long step,
            String dataset,
            String tokenizerSha256,
            String sha256,
            Map<String, Double> metrics,
            String path,
            Instant at) {
        public static CheckpointView of(Checkpoint checkpoint) {
            return new CheckpointView(
                    checkpoint.id(),
                    checkpoint.model(),
                    checkpoint.stage(),
                    checkpoint.parent(),
                    checkpoint.runId(),
                    checkpoint.step(),
                    checkpoint.dataset(),
                    checkpoint.tokenizerSha256(),
                    checkpoint.sha256(),
                    checkpoint.metrics(),
                    checkpoint.path(),
                    checkpoint.at());
        }
    }

    @GET
    public Listing<CheckpointView> list() {
        return Listing.of(facts.checkpoints().stream().map(CheckpointView::of).toList());
    }

    @GET
    @Path("/{id}")
    public CheckpointView get(@PathParam("id") String id) {
        return facts.checkpoint(id).map(CheckpointView::of).orElseThrow(() -> ApiException.notFound("checkpoint", id));
    }
}

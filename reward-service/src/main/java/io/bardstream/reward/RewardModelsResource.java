package io.bardstream.reward;

import io.bardstream.event.Checkpoint;
import io.bardstream.service.ApiException;
import io.bardstream.service.Listing;
import io.bardstream.service.Share;
import io.smallrye.common.annotation.Blocking;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import java.time.Instant;
import java.util.Map;

/** Reward models, newest first: what they were trained on, how good they are, and whether they may train a policy. */
@Path("/v1/reward-models")
@Blocking
public class RewardModelsResource {
    private final RewardModels models;

    RewardModelsResource(RewardModels models) {
        this.models = models;
    }

    /**
     * A reward model.
     *
     * @param policy the checkpoint it was made of
     * @param pairs that were trained on
     * @param offsets the votes of these offsets on {@code preferences}: {@code [start, end)}
     * @param heldOut its accuracy on pairs it was not trained on, with the 95 % interval
     * @param heldOutLoss nats a pair; a coin's is ln 2
     * @param calibrationError how far confidence is from accuracy
     */
    public record RewardModelView(
            String id,
            String policy,
            String run,
            String dataset,
            long pairs,
            Offsets offsets,
            Share heldOut,
            Double heldOutLoss,
            Double calibrationError,
            Verdict verdict,
            String sha256,
            String path,
            Instant at) {
        static RewardModelView of(Checkpoint checkpoint) {
            Map<String, Double> metrics = checkpoint.metrics();
            RewardGate gate = RewardGate.of(metrics);
            return new RewardModelView(
                    checkpoint.id(),
                    checkpoint.parent(),
                    checkpoint.runId(),
                    checkpoint.dataset(),
                    metrics.getOrDefault(RewardTraining.PAIRS, 0.0).longValue(),
                    new Offsets(
                            0,
                            metrics.getOrDefault(RewardTraining.END_OFFSET, 0.0).longValue()),
                    RewardGate.accuracy(metrics),
                    metrics.get(Checkpoint.VALIDATION_LOSS),
                    metrics.get(RewardTraining.CALIBRATION_ERROR),
                    new Verdict(gate.passed(), gate.reason()),
                    checkpoint.sha256(),
                    checkpoint.path(),
                    checkpoint.at());
        }
    }

    /** Offsets {@code [start, end)}. */
    public record Offsets(long start, long end) {}

    /** Of the gate. */
    public record Verdict(boolean passed, String reason) {}

    @GET
    public Listing<RewardModelView> list() {
        return Listing.of(models.all().stream().map(RewardModelView::of).toList());
    }

    @GET
    @Path("/{id}")
    public RewardModelView get(@PathParam("id") String id) {
        return models.all().stream()
                .filter(model -> model.id().equals(id))
                .findFirst()
                .map(RewardModelView::of)
                .orElseThrow(() -> ApiException.notFound("reward model", id));
    }
}

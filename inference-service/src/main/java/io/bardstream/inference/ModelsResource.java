package io.bardstream.inference;

import io.bardstream.event.Checkpoint;
import io.bardstream.service.BardstreamHome;
import io.bardstream.service.Listing;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import java.nio.file.Files;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** What can be served: {@code bardstream}, the newest promoted policy, and every checkpoint in the store by its id. */
@Path("/v1/models")
public class ModelsResource {
    private final Models models;
    private final BardstreamHome home;

    ModelsResource(Models models, BardstreamHome home) {
        this.models = models;
        this.home = home;
    }

    /**
     * OpenAI's {@code model}, and ours beside it.
     *
     * @param checkpoint that serves under this name
     * @param metrics    of the checkpoint, {@code bits_per_byte} among them
     */
    public record Model(
            String id,
            String object,
            long created,
            String ownedBy,
            String checkpoint,
            String stage,
            Map<String, Double> metrics) {
        static Model of(String id, Checkpoint checkpoint) {
            return new Model(
                    id,
                    "model",
                    checkpoint.at().getEpochSecond(),
                    Checkpoint.POLICY,
                    checkpoint.id(),
                    checkpoint.stage().label(),
                    checkpoint.metrics());
        }
    }

    @GET
    public Listing<Model> list() {
        return Listing.of(all().toList());
    }

    @GET
    @Path("/{id}")
    public Model get(@PathParam("id") String id) {
        return all().filter(model -> model.id().equals(id)).findFirst().orElseThrow(() -> Models.notFound(id));
    }

    private Stream<Model> all() {
        Optional<Checkpoint> policy = models.policy();
        java.nio.file.Path store = home.checkpoints();
        return Stream.concat(
                policy.stream().map(checkpoint -> Model.of(Checkpoint.POLICY, checkpoint)),
                models.available().stream()
                        .filter(checkpoint -> Files.isDirectory(store.resolve(checkpoint.path())))
                        .map(checkpoint -> Model.of(checkpoint.id(), checkpoint)));
    }
}

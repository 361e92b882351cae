package io.bardstream.inference;

import io.bardstream.event.Checkpoint;
import io.bardstream.service.ApiException;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;

/** Whether there is a policy to talk to, as llama.cpp's server says it. */
@Path("/health")
public class HealthResource {
    private final Models models;

    HealthResource(Models models) {
        this.models = models;
    }

    /** @param checkpoint that {@code bardstream} stands for */
    public record Health(String status, String checkpoint) {}

    @GET
    public Health health() {
        return models.policy()
                .map(Checkpoint::id)
                .map(checkpoint -> new Health("ok", checkpoint))
                .orElseThrow(() -> ApiException.unavailable("No model has been promoted yet."));
    }
}

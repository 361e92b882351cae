package io.bardstream.feedback;

import io.bardstream.service.ApiException;
import io.bardstream.service.Listing;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.time.Instant;
import java.util.Locale;

/** The prompts that are in use. */
@Path("/v1/prompts")
@Produces(MediaType.APPLICATION_JSON)
public class PromptsResource {
    /** A prompt to be added. */
    public record Request(String text) {}

    /** @param origin bundled or person */
    public record Answer(String id, String text, String origin, Instant createdAt) {
        static Answer of(Prompt prompt) {
            return new Answer(prompt.id, prompt.text, prompt.origin.name().toLowerCase(Locale.ROOT), prompt.createdAt);
        }
    }

    private final Prompts prompts;
    private final Erasure erasure;
    private final Outbox outbox;
    private final Pool pool;

    PromptsResource(Prompts prompts, Erasure erasure, Outbox outbox, Pool pool) {
        this.prompts = prompts;
        this.erasure = erasure;
        this.outbox = outbox;
        this.pool = pool;
    }

    /** 201; 200 where the same text is there already. */
    @POST
    @Consumes(MediaType.APPLICATION_JSON)
    public Response add(Request request) {
        Prompts.Added added = prompts.add(ApiException.required(request).text());
        return Response.status(added.isNew() ? Response.Status.CREATED : Response.Status.OK)
                .entity(Answer.of(added.prompt()))
                .build();
    }

    /**
     * Erases a prompt with all texts, pairs and votes after it, here and on the topics, and says which checkpoints learned from
     * them.
     */
    @DELETE
    @Path("{id}")
    public Erasure.Erased erase(String id) {
        Erasure.Erased erased = erasure.prompt(id);
        outbox.wake();
        pool.wake();
        return erased;
    }

    @GET
    public Listing<Answer> list() {
        return Listing.of(prompts.list().stream().map(Answer::of).toList());
    }
}

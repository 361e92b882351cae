package io.bardstream.feedback;

import io.bardstream.event.InvalidFieldException;
import io.bardstream.service.Listing;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import org.jboss.resteasy.reactive.RestQuery;

/** How far an annotator has come, and what they have said. */
@Path("/v1/annotators/{handle}")
@Produces(MediaType.APPLICATION_JSON)
public class AnnotatorsResource {
    private final Annotators annotators;
    private final Erasure erasure;
    private final Outbox outbox;
    private final Pool pool;

    AnnotatorsResource(Annotators annotators, Erasure erasure, Outbox outbox, Pool pool) {
        this.annotators = annotators;
        this.erasure = erasure;
        this.outbox = outbox;
        this.pool = pool;
    }

    @GET
    public Annotators.Progress progress(String handle) {
        return annotators.progress(Require.handle(handle, "annotator"));
    }

    /** Erases an annotator with all their votes, here and on the topics, and says which checkpoints learned from them. */
    @DELETE
    public Erasure.Erased erase(String handle) {
        Erasure.Erased erased = erasure.annotator(handle);
        outbox.wake();
        pool.wake();
        return erased;
    }

    /** Votes that stand, newest first. */
    @GET
    @Path("votes")
    public Listing<Annotators.Past> history(
            String handle, @RestQuery @DefaultValue("0") int offset, @RestQuery @DefaultValue("20") int limit) {
        if (offset < 0) {
            throw new InvalidFieldException("offset", offset + " is negative");
        }
        if (limit < 1 || limit > Annotators.MOST_OF_HISTORY) {
            throw new InvalidFieldException("limit", limit + "; expected 1 to " + Annotators.MOST_OF_HISTORY);
        }
        return Listing.of(annotators.history(Require.handle(handle, "annotator"), offset, limit));
    }
}

package io.bardstream.feedback;

import io.bardstream.event.Preference.Choice;
import io.bardstream.service.ApiException;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import org.jboss.resteasy.reactive.RestQuery;

/** Judging over HTTP: the next pair, a vote on it, and a vote taken back. */
@Path("/v1/comparisons")
@Produces(MediaType.APPLICATION_JSON)
public class ComparisonsResource {
    /** @param replace whether a different vote is to be replaced; null is no */
    public record Ballot(String annotator, Choice choice, String comment, Boolean replace) {}

    /** A vote that stands. */
    public record Answer(
            String id,
            String comparison,
            String annotator,
            Choice choice,
            String comment,
            String supersedes,
            Instant at) {
        static Answer of(Vote vote) {
            return new Answer(
                    vote.id,
                    vote.comparison,
                    vote.annotator,
                    vote.choice,
                    vote.comment,
                    vote.supersedes,
                    vote.createdAt);
        }
    }

    private final Comparisons comparisons;
    private final Votes votes;
    private final Outbox outbox;
    private final Pool pool;
    private final FeedbackSettings settings;

    ComparisonsResource(Comparisons comparisons, Votes votes, Outbox outbox, Pool pool, FeedbackSettings settings) {
        this.comparisons = comparisons;
        this.votes = votes;
        this.outbox = outbox;
        this.pool = pool;
        this.settings = settings;
    }

    /**
     * The pair to judge next, or 204 where none waits. Asked again, it gives the same pair.
     *
     * @param except comparisons at hand already, when the next but one is fetched ahead
     */
    @GET
    @Path("next")
    public Response next(@RestQuery String annotator, @RestQuery List<String> except) {
        return comparisons
                .next(Require.handle(annotator, "annotator"), Set.copyOf(except))
                .map(shown -> Response.ok(shown).build())
                .orElseGet(() -> Response.noContent().build());
    }

    /** 201; the same vote again 200; a different one 409 unless {@code replace} is true. */
    @POST
    @Path("{id}/vote")
    @Consumes(MediaType.APPLICATION_JSON)
    public Response vote(String id, Ballot ballot) {
        ApiException.required(ballot);
        Votes.Cast cast = votes.cast(
                id,
                Require.handle(ballot.annotator(), "annotator"),
                Require.present(ballot.choice(), "choice"),
                Require.optionalWords(ballot.comment(), "comment", settings.longestComment()),
                Boolean.TRUE.equals(ballot.replace()));
        outbox.wake();
        pool.wake();
        return Response.status(cast.isNew() ? Response.Status.CREATED : Response.Status.OK)
                .entity(Answer.of(cast.vote()))
                .build();
    }

    /** Takes a vote back and gives the pair to be judged again. */
    @DELETE
    @Path("{id}/vote")
    public Shown undo(String id, @RestQuery String annotator) {
        Shown again = votes.undo(id, Require.handle(annotator, "annotator"));
        outbox.wake();
        return again;
    }
}

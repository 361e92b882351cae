package io.bardstream.reward;

import com.fasterxml.jackson.annotation.JsonAnySetter;
import io.bardstream.event.Checkpoint;
import io.bardstream.event.InvalidFieldException;
import io.bardstream.event.Promotion;
import io.bardstream.service.ApiException;
import io.bardstream.service.BardstreamHome;
import io.bardstream.service.Listing;
import io.bardstream.training.Facts;
import io.smallrye.common.annotation.Blocking;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.core.Response;
import java.nio.file.Files;
import java.time.Instant;
import java.util.Map;

/** What was promoted and why, newest first: the first one serves. */
@Path("/v1/promotions")
@Blocking
public class PromotionsResource {
    private final Promotions promotions;
    private final Facts facts;
    private final Judge judge;
    private final BardstreamHome home;

    PromotionsResource(Promotions promotions, Facts facts, Judge judge, BardstreamHome home) {
        this.promotions = promotions;
        this.facts = facts;
        this.judge = judge;
        this.home = home;
    }

    /**
     * The body of a promotion by hand.
     *
     * @param checkpoint to promote, or null with {@code back}
     * @param back whether to promote what served before the one that serves
     * @param reason one sentence; a default if left out
     * @param unknown every other key, to be refused
     */
    public record Asked(
            String checkpoint,
            Boolean back,
            String reason,
            @JsonAnySetter Map<String, Object> unknown) {}

    @POST
    public Response promote(Asked body) {
        Asked asked = ApiException.required(body);
        if (asked.unknown() != null && !asked.unknown().isEmpty()) {
            throw new InvalidFieldException(
                    asked.unknown().keySet().iterator().next(),
                    "is not a field; there are checkpoint, back and reason");
        }
        boolean back = Boolean.TRUE.equals(asked.back());
        if (back == (asked.checkpoint() != null)) {
            throw new InvalidFieldException("checkpoint", "is missing; name one, or say back");
        }
        String id = back ? previous() : asked.checkpoint();
        Checkpoint checkpoint = facts.checkpoint(id).orElseThrow(() -> ApiException.notFound("checkpoint", id));
        if (!checkpoint.model().equals(Checkpoint.POLICY)) {
            throw new InvalidFieldException("checkpoint", "'" + id + "' is a reward model; only a policy can serve");
        }
        if (!Files.isDirectory(home.checkpoints().resolve(checkpoint.path()))) {
            throw ApiException.conflict("The files of checkpoint '" + id + "' have been pruned.", "checkpoint");
        }
        String reason = asked.reason() == null || asked.reason().isBlank() ? "Asked for by hand." : asked.reason();
        Promotion promotion = promotions.byHand(checkpoint, reason, Instant.now());
        judge.wake();
        return Response.status(Response.Status.CREATED).entity(promotion).build();
    }

    private String previous() {
        return promotions
                .serving()
                .map(Promotion::previous)
                .orElseThrow(() -> ApiException.conflict("There is nothing to go back to.", "back"));
    }

    @GET
    public Listing<Promotion> list() {
        return Listing.of(promotions.all());
    }
}

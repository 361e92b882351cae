package io.bardstream.reward;

import io.bardstream.event.PromotionDecision;
import io.bardstream.service.ApiException;
import io.bardstream.service.Listing;
import io.smallrye.common.annotation.Blocking;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;

/** What was decided of each candidate last, promoted or not, with the evidence; newest first. All there ever were are on the topic. */
@Path("/v1/promotion-decisions")
@Blocking
public class PromotionDecisionsResource {
    private final Promotions promotions;

    PromotionDecisionsResource(Promotions promotions) {
        this.promotions = promotions;
    }

    @GET
    public Listing<PromotionDecision> list() {
        return Listing.of(promotions.decisions());
    }

    @GET
    @Path("/{candidate}")
    public PromotionDecision get(@PathParam("candidate") String candidate) {
        return promotions
                .decided(candidate)
                .orElseThrow(() -> ApiException.notFound("decision on a candidate", candidate));
    }
}

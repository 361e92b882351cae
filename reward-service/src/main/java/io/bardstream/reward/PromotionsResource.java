package io.bardstream.reward;

import io.bardstream.event.Promotion;
import io.bardstream.service.Listing;
import io.smallrye.common.annotation.Blocking;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;

/** What was promoted and why, newest first: the first one serves. */
@Path("/v1/promotions")
@Blocking
public class PromotionsResource {
    private final Facts facts;

    PromotionsResource(Facts facts) {
        this.facts = facts;
    }

    @GET
    public Listing<Promotion> list() {
        return Listing.of(facts.promotions());
    }
}

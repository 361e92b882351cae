package io.bardstream.feedback;

import io.bardstream.event.Generation;
import io.bardstream.service.ApiException;
import io.smallrye.common.annotation.Blocking;
import jakarta.transaction.Transactional;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;

/** What was served, by the id that stands in the answer; one that was erased is not there any more. */
@Path("/v1/generations")
@Blocking
public class GenerationsResource {
    @GET
    @Path("/{id}")
    @Transactional
    public Generation get(@PathParam("id") String id) {
        return StoredGeneration.<StoredGeneration>findByIdOptional(id)
                .map(StoredGeneration::generation)
                .orElseThrow(() -> ApiException.notFound("generation", id));
    }
}

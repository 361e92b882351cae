package io.bardstream.service;

import io.bardstream.event.Score;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.core.MediaType;
import java.sql.SQLException;

/** A resource with the ways in which a request can go wrong. */
@Path("/v1/scores")
public class EchoResource {
    @POST
    @Consumes(MediaType.APPLICATION_JSON)
    public Score echo(Score score) {
        return ApiException.required(score);
    }

    @GET
    @Path("/{id}")
    public Score get(@PathParam("id") String id) {
        if (id.equals("fault")) {
            throw new IllegalStateException("secret inside");
        }
        if (id.equals("away")) {
            throw new IllegalStateException("cannot read", new SQLException("connection refused", "08001"));
        }
        throw ApiException.notFound("score", id);
    }
}

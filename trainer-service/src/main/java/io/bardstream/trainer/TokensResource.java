package io.bardstream.trainer;

import io.bardstream.event.Dataset;
import io.bardstream.service.ApiException;
import io.bardstream.training.DatasetException;
import io.bardstream.training.Facts;
import io.bardstream.training.TokenFiles;
import io.smallrye.common.annotation.Blocking;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import java.io.IOException;

/**
 * A dataset's tokens as a flat file, for trainers elsewhere: read from Kafka, verified against the manifest, little-endian
 * uint16, or uint32 where the vocabulary is above 65,536.
 */
@Path("/v1/datasets")
@Blocking
public class TokensResource {
    private final Facts facts;
    private final TokenFiles files;

    TokensResource(Facts facts, TokenFiles files) {
        this.facts = facts;
        this.files = files;
    }

    @GET
    @Path("/{id}/tokens/{split}")
    @Produces(MediaType.APPLICATION_OCTET_STREAM)
    public java.nio.file.Path tokens(@PathParam("id") String id, @PathParam("split") String split)
            throws IOException, InterruptedException {
        Dataset dataset = facts.dataset(id).orElseThrow(() -> ApiException.notFound("dataset", id));
        if (dataset.split(split).isEmpty()) {
            throw ApiException.notFound("split", split);
        }
        try {
            return files.open(dataset, split, Thread.currentThread()::isInterrupted)
                    .path();
        } catch (DatasetException e) {
            throw ApiException.conflict(e.getMessage(), null);
        }
    }
}

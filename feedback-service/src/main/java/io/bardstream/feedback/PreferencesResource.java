package io.bardstream.feedback;

import io.bardstream.service.ApiException;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.StreamingOutput;
import java.io.IOException;
import java.io.InputStream;

/** The votes as files: one line of JSON each, UTF-8. */
@Path("/v1")
@Produces("application/jsonl")
public class PreferencesResource {
    private final Export export;
    private final Import imports;
    private final Outbox outbox;

    PreferencesResource(Export export, Import imports, Outbox outbox) {
        this.export = export;
        this.imports = imports;
        this.outbox = outbox;
    }

    /** What was preferred: {@code prompt}, {@code chosen}, {@code rejected}, and where they come from. */
    @GET
    @Path("preferences.jsonl")
    public StreamingOutput decided() {
        return export::decided;
    }

    /**
     * Takes votes in either of these forms: 201, or 200 where all of them were there before; what is wrong is named
     * line by line.
     */
    @POST
    @Path("preferences")
    @Consumes({"application/jsonl", "application/x-ndjson", MediaType.TEXT_PLAIN, MediaType.APPLICATION_OCTET_STREAM})
    @Produces(MediaType.APPLICATION_JSON)
    public Response take(InputStream lines) {
        try {
            Import.Taken taken = imports.take(lines);
            outbox.wake();
            return Response.status(taken.imported() > 0 ? Response.Status.CREATED : Response.Status.OK)
                    .entity(taken)
                    .build();
        } catch (IOException e) {
            throw new ApiException(400, "body: broke off (" + e.getMessage() + "); nothing was taken", "body", null);
        }
    }

    /** Thumbs on single texts: {@code prompt}, {@code completion}, {@code label}. */
    @GET
    @Path("thumbs.jsonl")
    public StreamingOutput thumbs() {
        return export::thumbs;
    }

    /** Ties and both-bad. */
    @GET
    @Path("preferences-undecided.jsonl")
    public StreamingOutput undecided() {
        return export::undecided;
    }
}

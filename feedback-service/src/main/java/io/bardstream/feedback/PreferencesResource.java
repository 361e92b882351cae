package io.bardstream.feedback;

import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.StreamingOutput;

/** The votes as files: one line of JSON each, UTF-8. */
@Path("/v1")
@Produces("application/jsonl")
public class PreferencesResource {
    private final Export export;

    PreferencesResource(Export export) {
        this.export = export;
    }

    /** What was preferred: {@code prompt}, {@code chosen}, {@code rejected}, and where they come from. */
    @GET
    @Path("preferences.jsonl")
    public StreamingOutput decided() {
        return export::decided;
    }

    /** Ties and both-bad. */
    @GET
    @Path("preferences-undecided.jsonl")
    public StreamingOutput undecided() {
        return export::undecided;
    }
}

package io.bardstream.feedback;

import io.bardstream.event.Generation;
import io.bardstream.event.InvalidFieldException;
import io.bardstream.service.ApiException;
import io.smallrye.common.annotation.Blocking;
import jakarta.transaction.Transactional;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;

/**
 * What was served, by the id that stands in the answer, and what people think of it; one that was erased is not there
 * any more.
 */
@Path("/v1/generations/{id}")
@Produces(MediaType.APPLICATION_JSON)
@Blocking
public class GenerationsResource {
    /** Thumbs, a better text, or both. */
    public record Request(String annotator, Thumb.Direction thumbs, String correction, String comment) {}

    /** What stands of it. */
    public record Answer(String generation, String annotator, Thumb.Direction thumbs, String correction) {}

    private final Production production;
    private final Outbox outbox;
    private final FeedbackSettings settings;

    GenerationsResource(Production production, Outbox outbox, FeedbackSettings settings) {
        this.production = production;
        this.outbox = outbox;
        this.settings = settings;
    }

    @GET
    @Transactional
    public Generation get(String id) {
        return StoredGeneration.required(id).generation();
    }

    /** 201; the same again 200; a later thumb or correction of the same annotator takes the place of the one before. */
    @POST
    @Path("feedback")
    @Consumes(MediaType.APPLICATION_JSON)
    public Response judge(String id, Request request) {
        ApiException.required(request);
        if (request.thumbs() == null && request.correction() == null) {
            throw new InvalidFieldException("thumbs", "is missing; send thumbs (up or down), a correction, or both");
        }
        String correction = request.correction() == null
                ? null
                : Require.text(request.correction(), "correction", settings.longestText());
        boolean isNew = production.judge(
                id,
                Require.handle(request.annotator(), "annotator"),
                request.thumbs(),
                correction,
                Require.optionalWords(request.comment(), "comment", settings.longestComment()));
        outbox.wake();
        return Response.status(isNew ? Response.Status.CREATED : Response.Status.OK)
                .entity(new Answer(id, request.annotator(), request.thumbs(), correction))
                .build();
    }
}

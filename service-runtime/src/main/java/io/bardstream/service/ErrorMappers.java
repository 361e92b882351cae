package io.bardstream.service;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import io.bardstream.event.InvalidFieldException;
import jakarta.ws.rs.WebApplicationException;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.Response;
import java.util.UUID;
import org.jboss.logging.Logger;
import org.jboss.resteasy.reactive.server.ServerExceptionMapper;

/**
 * Turns whatever a resource throws into an {@link ApiError}. A fault of ours is logged with a number that the answer names;
 * the answer holds no stack trace and nothing of our inside.
 */
public class ErrorMappers {
    private static final Logger LOG = Logger.getLogger(ErrorMappers.class);
    private static final int SECONDS_TO_RETRY = 5;

    @ServerExceptionMapper
    public Response invalidField(InvalidFieldException e) {
        return ApiError.response(400, e.getMessage(), e.field(), null);
    }

    @ServerExceptionMapper
    public Response api(ApiException e) {
        return ApiError.response(e.status(), e.getMessage(), e.param(), e.code());
    }

    /** Malformed JSON, or JSON whose types do not fit; a field's own check keeps its message. */
    @ServerExceptionMapper
    public Response json(JsonProcessingException e) {
        return api(ApiException.unreadable(e));
    }

    /** Stands apart because Quarkus has a mapper of its own for this one, which names no field. */
    @ServerExceptionMapper
    public Response wrongType(MismatchedInputException e) {
        return api(ApiException.unreadable(e));
    }

    @ServerExceptionMapper
    public Response webApplication(WebApplicationException e) {
        if (e.getCause() instanceof JsonProcessingException json) {
            return api(ApiException.unreadable(json));
        }
        Response response = e.getResponse();
        if (response.hasEntity()) {
            return response;
        }
        int status = response.getStatus();
        String message =
                switch (status) {
                    case 404 -> "There is nothing at this path.";
                    case 405 -> "This path does not take this method.";
                    case 406 -> "None of the accepted media types can be given.";
                    case 413 -> "The request body is too large.";
                    case 415 -> "The Content-Type of the request is not one this path takes.";
                    default -> response.getStatusInfo().getReasonPhrase() + ".";
                };
        Response answer = ApiError.response(status, message, null, null);
        Object retryAfter = response.getHeaders().getFirst(HttpHeaders.RETRY_AFTER);
        return retryAfter == null
                ? answer
                : Response.fromResponse(answer)
                        .header(HttpHeaders.RETRY_AFTER, retryAfter)
                        .build();
    }

    @ServerExceptionMapper
    public Response fault(Throwable e) {
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (cause instanceof InvalidFieldException invalid) {
                return invalidField(invalid);
            }
            if (cause instanceof ApiException api) {
                return api(api);
            }
        }
        if (DatabaseOutage.passes(e)) {
            LOG.warnf("Request refused while the database is away (%s)", e.getMessage());
            return Response.fromResponse(ApiError.response(
                            503, "The database does not answer; try again in a few seconds.", null, "unavailable"))
                    .header(HttpHeaders.RETRY_AFTER, SECONDS_TO_RETRY)
                    .build();
        }
        String number = UUID.randomUUID().toString();
        LOG.errorf(e, "Request failed, number %s", number);
        return ApiError.response(
                500, "Something failed here; the service's log says what under " + number + ".", null, null);
    }
}

package io.bardstream.service;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonMappingException;
import io.bardstream.event.InvalidFieldException;

/** Ends a request with a status and an error body that names what is wrong. */
public final class ApiException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int status;
    private final String param;
    private final String code;

    public ApiException(int status, String message, String param, String code) {
        super(message);
        this.status = status;
        this.param = param;
        this.code = code;
    }

    /** The request's body, or 400 where there is none; a resource's first line. */
    public static <T> T required(T body) {
        if (body == null) {
            throw new ApiException(400, "The request has no body.", null, null);
        }
        return body;
    }

    /**
     * 400: JSON that cannot be read. The message is a field's own check where that failed; else it names the innermost field whose
     * type does not fit, or the one that holds the list where it did; else what is no JSON.
     */
    public static ApiException unreadable(JsonProcessingException e) {
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (cause instanceof InvalidFieldException invalid) {
                return new ApiException(400, invalid.getMessage(), invalid.field(), null);
            }
            if (cause instanceof ApiException api) {
                return api;
            }
        }
        String field = null;
        if (e instanceof JsonMappingException mapping) {
            for (JsonMappingException.Reference step : mapping.getPath()) {
                field = step.getFieldName() == null ? field : step.getFieldName();
            }
        }
        return field == null
                ? new ApiException(
                        400, "The request body is not well-formed JSON: " + e.getOriginalMessage(), null, null)
                : new ApiException(400, field + ": has a value of the wrong type", field, null);
    }

    /** 404: the thing named does not exist. */
    public static ApiException notFound(String kind, String id) {
        return new ApiException(
                404, "There is no " + kind + " '" + id + "'.", null, kind.replace(' ', '_') + "_not_found");
    }

    /** 409: the request contradicts what is there. */
    public static ApiException conflict(String message, String param) {
        return new ApiException(409, message, param, "conflict");
    }

    /** 503: what the request needs is not there yet, or not there now. */
    public static ApiException unavailable(String message) {
        return new ApiException(503, message, null, "unavailable");
    }

    public int status() {
        return status;
    }

    public String param() {
        return param;
    }

    public String code() {
        return code;
    }
}

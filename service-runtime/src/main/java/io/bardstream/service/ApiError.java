package io.bardstream.service;

import com.fasterxml.jackson.annotation.JsonInclude;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;

/**
 * The body of every error answer, in OpenAI's shape: {@code {"error":{"message","type","param","code"}}}, all four keys
 * always there.
 */
public record ApiError(Detail error) {
    public static final String INVALID_REQUEST = "invalid_request_error";
    public static final String AUTHENTICATION = "authentication_error";
    public static final String PERMISSION = "permission_error";
    public static final String SERVER = "server_error";

    /**
     * @param message what was given, what was expected, what to do
     * @param param the field that is wrong, or null
     * @param code for programs, or null
     */
    @JsonInclude(JsonInclude.Include.ALWAYS)
    public record Detail(String message, String type, String param, String code) {}

    public static ApiError invalid(String message, String param) {
        return new ApiError(new Detail(message, INVALID_REQUEST, param, null));
    }

    /** An answer with this status; the type follows from the status. */
    public static Response response(int status, String message, String param, String code) {
        String type =
                switch (status) {
                    case 401 -> AUTHENTICATION;
                    case 403 -> PERMISSION;
                    default -> status < 500 ? INVALID_REQUEST : SERVER;
                };
        return Response.status(status)
                .type(MediaType.APPLICATION_JSON_TYPE)
                .entity(new ApiError(new Detail(message, type, param, code)))
                .build();
    }
}

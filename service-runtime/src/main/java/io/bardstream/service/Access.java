package io.bardstream.service;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Optional;
import java.util.Set;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/**
 * Who may call. With {@code bardstream.api-key} set, every path but health asks for {@code Authorization: Bearer}. With or
 * without a key, a page of another site cannot make a visitor's browser change anything here.
 */
@ApplicationScoped
public class Access {
    private static final Set<HttpMethod> SAFE = Set.of(HttpMethod.GET, HttpMethod.HEAD, HttpMethod.OPTIONS);
    private static final int BEFORE_EVERYTHING = 1_000;
    private static final String BEARER = "Bearer ";

    private final Optional<byte[]> key;
    private final ObjectMapper json;

    Access(@ConfigProperty(name = "bardstream.api-key") Optional<String> key, ObjectMapper json) {
        this.key = key.map(String::strip)
                .filter(text -> !text.isEmpty())
                .map(text -> text.getBytes(StandardCharsets.UTF_8));
        this.json = json;
    }

    void register(@Observes Filters filters) {
        filters.register(this::check, BEFORE_EVERYTHING);
    }

    private void check(RoutingContext context) {
        HttpServerRequest request = context.request();
        if (!SAFE.contains(request.method()) && comesFromAnotherSite(request)) {
            refuse(context, 403, "A page of another site may not call this service.", ApiError.PERMISSION);
        } else if (key.isPresent() && !isHealth(context.normalizedPath()) && !carriesKey(request)) {
            context.response().putHeader("WWW-Authenticate", "Bearer");
            refuse(context, 401, "Send the API key as 'Authorization: Bearer KEY'.", ApiError.AUTHENTICATION);
        } else {
            context.next();
        }
    }

    private static boolean isHealth(String path) {
        return path.equals("/health") || path.equals("/q/health") || path.startsWith("/q/health/");
    }

    private boolean carriesKey(HttpServerRequest request) {
        String header = request.getHeader("Authorization");
        return header != null
                && header.startsWith(BEARER)
                && MessageDigest.isEqual(
                        key.get(), header.substring(BEARER.length()).strip().getBytes(StandardCharsets.UTF_8));
    }

    /** Browsers name the page's origin on every request that changes something; other clients name none. */
    private static boolean comesFromAnotherSite(HttpServerRequest request) {
        String origin = request.getHeader("Origin");
        if (origin == null) {
            return false;
        }
        try {
            String authority = URI.create(origin).getAuthority();
            return authority == null || !authority.equals(request.getHeader("Host"));
        } catch (IllegalArgumentException e) {
            return true;
        }
    }

    private void refuse(RoutingContext context, int status, String message, String type) {
        try {
            context.response()
                    .setStatusCode(status)
                    .putHeader("Content-Type", "application/json")
                    .end(json.writeValueAsString(new ApiError(new ApiError.Detail(message, type, null, null))));
        } catch (JsonProcessingException e) {
            context.fail(e);
        }
    }
}

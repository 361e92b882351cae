package io.bardstream.service;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.core.http.Cookie;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.HostAndPort;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Who may call. With an {@link ApiKey} set, every path but health and {@link SignIn} asks for {@code Authorization: Bearer}, or
 * for the cookie of a browser that has signed in. With or without a key, a page of another site cannot make a visitor's browser
 * change anything here. Without a key a service answers to addresses and to names that nobody can register: a page of another
 * site whose name was made to lead here (DNS rebinding) reads nothing.
 */
@ApplicationScoped
public class Access {
    static final int BEFORE_EVERYTHING = 1_000;

    private static final Set<HttpMethod> SAFE = Set.of(HttpMethod.GET, HttpMethod.HEAD, HttpMethod.OPTIONS);
    private static final Pattern IPV4 = Pattern.compile("[0-9]{1,3}(\\.[0-9]{1,3}){3}");

    /** Ends of names that are for private use: RFC 6761, 6762, 8375, and ICANN's of 2024. */
    private static final List<String> PRIVATE = List.of(".localhost", ".local", ".home.arpa", ".internal");

    private static final String BEARER = "Bearer ";

    private final ApiKey key;
    private final ObjectMapper json;

    Access(ApiKey key, ObjectMapper json) {
        this.key = key;
        this.json = json;
    }

    void register(@Observes Filters filters) {
        filters.register(this::check, BEFORE_EVERYTHING);
    }

    private void check(RoutingContext context) {
        HttpServerRequest request = context.request();
        if (!SAFE.contains(request.method()) && comesFromAnotherSite(request)) {
            refuse(context, 403, "A page of another site may not call this service.", ApiError.PERMISSION);
        } else if (!key.isSet() && !isOpen(context.normalizedPath()) && isPublicName(request.authority())) {
            refuse(
                    context,
                    403,
                    "Without an API key this service is called by its address or a local name, not as "
                            + request.authority().host() + ".",
                    ApiError.PERMISSION);
        } else if (!key.isSet() || isOpen(context.normalizedPath()) || carriesKey(request) || hasSignedIn(request)) {
            context.next();
        } else if (isOpenedInABrowser(request)) {
            String next = URLEncoder.encode(request.uri(), StandardCharsets.UTF_8);
            context.response()
                    .setStatusCode(303)
                    .putHeader("Location", SignIn.PATH + "?next=" + next)
                    .end();
        } else {
            context.response().putHeader("WWW-Authenticate", "Bearer");
            refuse(context, 401, "Send the API key as 'Authorization: Bearer KEY'.", ApiError.AUTHENTICATION);
        }
    }

    private static boolean isOpen(String path) {
        return path.equals("/health")
                || path.equals("/q/health")
                || path.startsWith("/q/health/")
                || path.equals(SignIn.PATH);
    }

    private boolean carriesKey(HttpServerRequest request) {
        String header = request.getHeader("Authorization");
        return header != null && header.startsWith(BEARER) && key.isKey(header.substring(BEARER.length()));
    }

    /** A cookie comes along unasked, so with it a change must also say which page it comes from; {@link #check} compared it. */
    private boolean hasSignedIn(HttpServerRequest request) {
        Cookie cookie = request.getCookie(SignIn.COOKIE);
        return cookie != null
                && key.isSession(cookie.getValue())
                && (SAFE.contains(request.method()) || request.getHeader("Origin") != null);
    }

    private static boolean isOpenedInABrowser(HttpServerRequest request) {
        String accept = request.getHeader("Accept");
        return request.method().equals(HttpMethod.GET) && accept != null && accept.contains("text/html");
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

    private static boolean isPublicName(HostAndPort called) {
        if (called == null) {
            return false; // as in HTTP/1.0, which no browser speaks
        }
        String host = called.host().toLowerCase(Locale.ROOT);
        return host.contains(".")
                && !host.contains(":")
                && !IPV4.matcher(host).matches()
                && PRIVATE.stream().noneMatch(host::endsWith);
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

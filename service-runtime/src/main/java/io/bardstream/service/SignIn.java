package io.bardstream.service;

import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.FormParam;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.NewCookie;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.UriInfo;
import java.net.URI;
import java.time.Duration;
import org.eclipse.microprofile.openapi.annotations.Operation;

/** Where a person gives the API key to a browser, once for all services: it becomes a cookie that no script can read. */
@Path(SignIn.PATH)
@Produces(MediaType.TEXT_HTML)
public class SignIn {
    static final String PATH = "/sign-in";
    static final String COOKIE = "bardstream_session";

    private static final Duration STAY = Duration.ofDays(90);

    private final ApiKey key;

    SignIn(ApiKey key) {
        this.key = key;
    }

    @GET
    @Operation(hidden = true)
    public Response ask(@QueryParam("next") @DefaultValue("/") String next) {
        return key.isSet()
                ? page(200, next, "")
                : Response.seeOther(local(next)).build();
    }

    @POST
    @Operation(hidden = true)
    public Response take(
            @FormParam("key") String given, @FormParam("next") @DefaultValue("/") String next, @Context UriInfo uri) {
        if (key.isSet() && !key.isKey(given)) {
            return page(401, next, "<p role=\"alert\">This is not the key.</p>");
        }
        Response.ResponseBuilder answer = Response.seeOther(local(next));
        if (key.isSet()) {
            answer.cookie(new NewCookie.Builder(COOKIE)
                    .value(key.session())
                    .path("/")
                    .maxAge(Math.toIntExact(STAY.toSeconds()))
                    .httpOnly(true)
                    .sameSite(NewCookie.SameSite.LAX)
                    .secure(uri.getRequestUri().getScheme().equals("https"))
                    .build());
        }
        return answer.build();
    }

    private static Response page(int status, String next, String problem) {
        String body = """
                <h1>Bardstream</h1>
                %s
                <form method="post" action="%s">
                  <input type="hidden" name="next" value="%s">
                  <p><label for="key">API key</label><br>
                  <input id="key" name="key" type="password" autocomplete="current-password" required autofocus></p>
                  <p><button>Sign in</button></p>
                </form>
                """.formatted(problem, PATH, PlainPage.escaped(next));
        return Response.status(status).entity(PlainPage.of("Sign in", body)).build();
    }

    /** Where to go on: a path of this service, never another site. */
    private static URI local(String next) {
        try {
            URI uri = URI.create(next);
            boolean here = next.startsWith("/") && !next.startsWith("//") && uri.getAuthority() == null;
            return here ? uri : URI.create("/");
        } catch (IllegalArgumentException e) {
            return URI.create("/");
        }
    }
}

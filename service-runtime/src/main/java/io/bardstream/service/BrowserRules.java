package io.bardstream.service;

import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.core.MultiMap;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;

/**
 * What a browser may do with an answer of a service, whatever text it holds: run and load only files of this service, no script
 * or style that stands in the page itself, guess no content type, and show nothing inside another page. The one style that is
 * named is that of {@link PlainPage}.
 */
@ApplicationScoped
public class BrowserRules {
    private static final String POLICY =
            "default-src 'none'; script-src 'self'; style-src 'self' " + PlainPage.styleHash()
                    + "; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

    void register(@Observes Filters filters) {
        filters.register(
                context -> {
                    MultiMap headers = context.response().headers();
                    headers.set("Content-Security-Policy", POLICY);
                    headers.set("X-Content-Type-Options", "nosniff");
                    // Not no-referrer: with it a browser hides from Access which page a form was sent from.
                    headers.set("Referrer-Policy", "same-origin");
                    context.next();
                },
                Access.BEFORE_EVERYTHING + 1);
    }
}

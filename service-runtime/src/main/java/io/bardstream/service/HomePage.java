package io.bardstream.service;

import io.quarkus.arc.properties.UnlessBuildProperty;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/** The page at {@code /} of a service that has no page of its own: what it is, and where to go on. */
@Path("/")
@UnlessBuildProperty(name = "bardstream.page", stringValue = "own", enableIfMissing = true)
public class HomePage {
    private final String name;
    private final String purpose;

    HomePage(
            @ConfigProperty(name = "quarkus.application.name") String name,
            @ConfigProperty(name = "bardstream.purpose") String purpose) {
        this.name = name;
        this.purpose = purpose;
    }

    @GET
    @Produces(MediaType.TEXT_HTML)
    public String page() {
        String body = """
                <h1>%s</h1>
                <p>%s</p>
                <ul>
                  <li><a href="/q/openapi?format=json">The HTTP API (OpenAPI)</a></li>
                  <li><a href="/q/health">Health</a></li>
                  <li><a href="/q/metrics">Metrics (Prometheus)</a></li>
                </ul>
                """.formatted(PlainPage.escaped(name), PlainPage.escaped(purpose));
        return PlainPage.of(name, body);
    }
}

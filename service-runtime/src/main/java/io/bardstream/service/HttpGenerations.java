package io.bardstream.service;

import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.time.Instant;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/**
 * How long what people ask for over HTTP is kept, prompt and text: {@code bardstream.http-generations-kept}, 30 days
 * where nothing else is said; 0 keeps nothing. What was asked for through {@code generation-requests} stays.
 */
@ApplicationScoped
public class HttpGenerations {
    private final Duration time;

    public HttpGenerations(@ConfigProperty(name = "bardstream.http-generations-kept") Duration time) {
        if (time.isNegative()) {
            throw new IllegalArgumentException(
                    "bardstream.http-generations-kept: is " + time + "; expected a time, or 0 to keep nothing");
        }
        this.time = time;
    }

    /** Whether they are kept at all. */
    public boolean areKept() {
        return !time.isZero();
    }

    public Duration time() {
        return time;
    }

    /** What is older than this goes. */
    public Instant oldest(Instant now) {
        return now.minus(time);
    }
}

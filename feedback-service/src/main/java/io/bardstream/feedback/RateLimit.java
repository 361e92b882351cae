package io.bardstream.feedback;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.bardstream.service.ApiError;
import io.github.bucket4j.Bucket;
import io.github.bucket4j.ConsumptionProbe;
import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * How much one address may ask: a bucket of tokens each, one a request, filled again at a steady rate. An empty one is
 * a 429 that says when to come again. Health and metrics are free. It is asked before the key is, so keys cannot be
 * tried out fast.
 */
@ApplicationScoped
class RateLimit {
    private static final int FIRST = 2_000; // before access is checked
    private static final int MOST_ADDRESSES = 10_000;

    private final FeedbackSettings.RateLimit settings;
    private final ObjectMapper json;
    private final Cache<String, Bucket> buckets;

    RateLimit(FeedbackSettings settings, ObjectMapper json) {
        this.settings = settings.rateLimit();
        this.json = json;
        this.buckets = Caffeine.newBuilder()
                .maximumSize(MOST_ADDRESSES)
                .expireAfterAccess(Duration.ofSeconds(1 + this.settings.burst() / this.settings.perSecond()))
                .build();
    }

    void register(@Observes Filters filters) {
        filters.register(this::check, FIRST);
    }

    private void check(RoutingContext context) {
        if (context.normalizedPath().startsWith("/q/")) {
            context.next();
            return;
        }
        String address = context.request().remoteAddress().hostAddress();
        ConsumptionProbe probe = bucket(address).tryConsumeAndReturnRemaining(1);
        if (probe.isConsumed()) {
            context.next();
        } else {
            refuse(context, 1 + TimeUnit.NANOSECONDS.toSeconds(probe.getNanosToWaitForRefill()));
        }
    }

    Bucket bucket(String address) {
        return buckets.get(address, first -> Bucket.builder()
                .addLimit(limit ->
                        limit.capacity(settings.burst()).refillGreedy(settings.perSecond(), Duration.ofSeconds(1)))
                .build());
    }

    private void refuse(RoutingContext context, long seconds) {
        ApiError error = new ApiError(new ApiError.Detail(
                "Too many requests from this address: at most %d at once and %d a second. Try again in %d s."
                        .formatted(settings.burst(), settings.perSecond(), seconds),
                ApiError.INVALID_REQUEST,
                null,
                "rate_limit_exceeded"));
        try {
            context.response()
                    .setStatusCode(429)
                    .putHeader("Retry-After", Long.toString(seconds))
                    .putHeader("Content-Type", "application/json")
                    .end(json.writeValueAsString(error));
        } catch (JsonProcessingException e) {
            context.fail(e);
        }
    }
}

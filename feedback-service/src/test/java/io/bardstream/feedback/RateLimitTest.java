package io.bardstream.feedback;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;

import io.bardstream.embedded.EmbeddedServices;
import io.github.bucket4j.Bucket;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.response.Response;
import jakarta.inject.Inject;
import org.junit.jupiter.api.Test;

/** Who asks too much is told when to come again. */
@QuarkusTest
@QuarkusTestResource(EmbeddedServices.class)
class RateLimitTest {
    private static final int PER_SECOND = 50;
    private static final int DEBT = 100 * 60 * PER_SECOND; // refilled in 100 minutes

    @Inject
    RateLimit limit;

    @Test
    void whoAsksTooMuchIsToldWhenToComeAgain() {
        // Given
        Bucket bucket = limit.bucket("127.0.0.1");
        try {
            bucket.consumeIgnoringRateLimits(DEBT);

            // When
            Response refused = given().get("/v1/prompts");

            // Then
            refused.then()
                    .statusCode(429)
                    .body("error.code", equalTo("rate_limit_exceeded"))
                    .body("error.message", containsString("50 a second"));
            assertThat(Integer.parseInt(refused.header("Retry-After"))).isBetween(60, 100 * 60);
            given().get("/").then().statusCode(429);
            given().get("/q/health/live").then().statusCode(200);
        } finally {
            bucket.reset();
        }
        given().get("/v1/prompts").then().statusCode(200);
        assertThat(limit.bucket("127.0.0.2")).as("each address has its own").isNotSameAs(bucket);
    }
}

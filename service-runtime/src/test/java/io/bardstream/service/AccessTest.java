package io.bardstream.service;

import static io.restassured.RestAssured.given;
import static io.restassured.RestAssured.when;
import static org.hamcrest.Matchers.equalTo;

import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** With an API key set, nothing but health is open. */
@QuarkusTest
@TestProfile(AccessTest.WithKey.class)
class AccessTest {
    public static class WithKey implements QuarkusTestProfile {
        @Override
        public Map<String, String> getConfigOverrides() {
            return Map.of("bardstream.api-key", "sesame");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"/", "/v1/scores/x", "/q/metrics", "/q/openapi", "/nothing", "/q/health/../metrics", "/q/healthy"
            })
    void withoutTheKeyEveryPathIsClosed(String path) {
        given().urlEncodingEnabled(false)
                .get(path)
                .then()
                .statusCode(401)
                .body("error.type", equalTo("authentication_error"));
        given().header("Authorization", "Bearer wrong").get("/").then().statusCode(401);
    }

    @Test
    void withTheKeyTheyAreOpen() {
        given().header("Authorization", "Bearer sesame").get("/").then().statusCode(200);
        given().header("Authorization", "Bearer sesame")
                .get("/v1/scores/x")
                .then()
                .statusCode(404);
    }

    @Test
    void healthIsAlwaysOpen() {
        when().get("/q/health/live").then().statusCode(200);
    }
}

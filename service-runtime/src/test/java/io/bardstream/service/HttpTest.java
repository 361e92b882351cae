package io.bardstream.service;

import static io.restassured.RestAssured.given;
import static io.restassured.RestAssured.when;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasKey;
import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.nullValue;

import io.bardstream.event.Ids;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.http.ContentType;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What every service's HTTP does alike. */
@QuarkusTest
class HttpTest {
    private static final String SCORE =
            "{\"generation_id\":\"g-1\",\"reward_model\":\"r\",\"value\":1.5,\"at\":\"2026-11-23T06:00:00Z\"}";

    @Test
    void speaksSnakeCase() {
        given().contentType(ContentType.JSON)
                .body(SCORE)
                .post("/v1/scores")
                .then()
                .statusCode(200)
                .body("generation_id", equalTo("g-1"), "at", equalTo("2026-11-23T06:00:00Z"));
    }

    @Test
    void aFieldThatCannotHaveItsValueIsNamed() {
        given().contentType(ContentType.JSON)
                .body(SCORE.replace("g-1", "../g"))
                .post("/v1/scores")
                .then()
                .statusCode(400)
                .body("error.param", equalTo("generation_id"), "error.type", equalTo("invalid_request_error"))
                .body("error.message", containsString("'../g' is not an id"))
                .body("error", hasKey("code"));
    }

    @Test
    void aValueOfTheWrongTypeIsNamed() {
        given().contentType(ContentType.JSON)
                .body(SCORE.replace("1.5", "\"much\""))
                .post("/v1/scores")
                .then()
                .statusCode(400)
                .body("error.param", equalTo("value"));
    }

    @Test
    void malformedJsonIsSaidToBe() {
        given().contentType(ContentType.JSON)
                .body("{")
                .post("/v1/scores")
                .then()
                .statusCode(400)
                .body("error.message", containsString("not well-formed JSON"), "error.param", nullValue());
    }

    @Test
    void anEmptyBodyIsRefused() {
        given().contentType(ContentType.JSON)
                .post("/v1/scores")
                .then()
                .statusCode(400)
                .body("error.type", equalTo("invalid_request_error"));
    }

    @Test
    void anotherMediaTypeIsRefused() {
        given().contentType(ContentType.TEXT)
                .body("x")
                .post("/v1/scores")
                .then()
                .statusCode(415)
                .body("error.type", equalTo("invalid_request_error"));
    }

    @Test
    void whatDoesNotExistIs404() {
        when().get("/v1/scores/none")
                .then()
                .statusCode(404)
                .body("error.message", equalTo("There is no score 'none'."), "error.code", equalTo("score_not_found"));
        when().get("/v1/nothing").then().statusCode(404).body("error.message", containsString("nothing at this path"));
        when().delete("/v1/scores").then().statusCode(405).body("error.type", equalTo("invalid_request_error"));
    }

    @Test
    void aFaultTellsNothingOfTheInside() {
        when().get("/v1/scores/fault")
                .then()
                .statusCode(500)
                .body("error.type", equalTo("server_error"))
                .body(not(containsString("secret")));
    }

    @Test
    void aDatabaseThatIsAwayIsA503ThatSaysWhenToTryAgain() {
        when().get("/v1/scores/away")
                .then()
                .statusCode(503)
                .header("Retry-After", "5")
                .body("error.type", equalTo("server_error"))
                .body("error.code", equalTo("unavailable"));
    }

    @Test
    void aPageOfAnotherSiteCanChangeNothing() {
        given().contentType(ContentType.JSON)
                .header("Origin", "https://evil.example")
                .body(SCORE)
                .post("/v1/scores")
                .then()
                .statusCode(403)
                .body("error.type", equalTo("permission_error"));
    }

    @Test
    void hasAPageOfItsOwn() {
        when().get("/")
                .then()
                .statusCode(200)
                .body(containsString("echo-service"), containsString("Answers what the tests ask."));
    }

    @Test
    void aBrowserRunsNothingThatStandsInAnAnswer() {
        String style = when().get("/")
                .then()
                .header("X-Content-Type-Options", "nosniff")
                .header("Referrer-Policy", "same-origin")
                .header("Content-Security-Policy", containsString("default-src 'none'; script-src 'self';"))
                .header("Content-Security-Policy", containsString("frame-ancestors 'none'"))
                .extract()
                .asString()
                .replaceAll("(?s).*<style>(.*)</style>.*", "$1");
        byte[] digest = Ids.sha256().digest(style.getBytes(StandardCharsets.UTF_8));
        when().get("/v1/nothing")
                .then()
                .header("X-Content-Type-Options", "nosniff")
                .header(
                        "Content-Security-Policy",
                        containsString("'sha256-" + Base64.getEncoder().encodeToString(digest) + "'"));
    }

    @Test
    void startsAndIsAliveWithoutABroker() {
        when().get("/q/health/live").then().statusCode(200);
    }

    /** A page of a site whose name was made to lead here reads nothing. */
    @ParameterizedTest
    @CsvSource({
        "rebound.example:8083, 403",
        "127.0.0.1.example, 403",
        "localhost, 404",
        "LOCALHOST:8083, 404",
        "127.0.0.1:8083, 404",
        "[::1]:8083, 404",
        "inference-service:8080, 404",
        "host.docker.internal, 404"
    })
    void withoutAKeyItIsCalledByLocalNamesAlone(String host, int status) {
        given().header("Host", host).get("/v1/scores/x").then().statusCode(status);
        given().header("Host", host).get("/q/health/live").then().statusCode(200);
    }
}

package io.bardstream.service;

import static io.restassured.RestAssured.given;
import static io.restassured.RestAssured.when;
import static org.hamcrest.Matchers.allOf;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.containsStringIgnoringCase;
import static org.hamcrest.Matchers.endsWith;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.nullValue;

import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import io.restassured.RestAssured;
import io.restassured.http.ContentType;
import io.restassured.response.ValidatableResponse;
import io.restassured.specification.RequestSpecification;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** With an API key set, nothing but health is open; a program sends the key, a browser signs in with it once. */
@QuarkusTest
@TestProfile(AccessTest.WithKey.class)
class AccessTest {
    public static class WithKey implements QuarkusTestProfile {
        @Override
        public Map<String, String> getConfigOverrides() {
            return Map.of("bardstream.api-key", "sesame");
        }
    }

    private static final String SCORE =
            "{\"generation_id\":\"g-1\",\"reward_model\":\"r\",\"value\":1.5,\"at\":\"2026-11-23T06:00:00Z\"}";

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

    @Test
    void aBrowserIsAskedToSignInAndComesBack() {
        given().redirects()
                .follow(false)
                .accept("text/html,*/*;q=0.8")
                .get("/v1/scores/x?y=z")
                .then()
                .statusCode(303)
                .header("Location", "/sign-in?next=%2Fv1%2Fscores%2Fx%3Fy%3Dz");
        when().get("/sign-in?next=/v1/scores/x")
                .then()
                .statusCode(200)
                .body(containsString("type=\"password\""), containsString("value=\"/v1/scores/x\""));
        signIn("sesame", "/v1/scores/x").statusCode(303).header("Location", endsWith("/v1/scores/x"));
    }

    @Test
    void aBrowserThatHasSignedInIsLetIn() {
        String session = signIn("sesame", "/").extract().cookie("bardstream_session");
        given().cookie("bardstream_session", session).get("/").then().statusCode(200);
        change(session)
                .header("Origin", RestAssured.baseURI + ":" + RestAssured.port)
                .post("/v1/scores")
                .then()
                .statusCode(200);
    }

    @Test
    void whatASessionChangesMustSayWhichPageItComesFrom() {
        String session = signIn("sesame", "/").extract().cookie("bardstream_session");
        change(session).post("/v1/scores").then().statusCode(401);
        change(session).header("Origin", "null").post("/v1/scores").then().statusCode(403);
        change(session)
                .header("Origin", "https://evil.example")
                .post("/v1/scores")
                .then()
                .statusCode(403);
    }

    @Test
    void theCookieTellsNoKeyAndIsForNoScript() {
        signIn("sesame", "/")
                .cookie("bardstream_session", not(containsString("sesame")))
                .header(
                        "Set-Cookie",
                        allOf(containsStringIgnoringCase("httponly"), containsStringIgnoringCase("samesite=lax")));
    }

    @Test
    void aWrongKeyOrSessionOpensNothing() {
        signIn("<b>", "/")
                .statusCode(401)
                .body(containsString("This is not the key."))
                .header("Set-Cookie", nullValue());
        given().cookie("bardstream_session", "sesame").get("/").then().statusCode(401);
    }

    @ParameterizedTest
    @ValueSource(strings = {"https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"})
    void signingInLeadsToNoOtherSite(String next) {
        signIn("sesame", next).statusCode(303).header("Location", not(containsString("evil")));
        when().get("/sign-in?next={next}", "\"><script>").then().body(not(containsString("<script>")));
    }

    private static ValidatableResponse signIn(String key, String next) {
        return given().redirects()
                .follow(false)
                .formParam("key", key)
                .formParam("next", next)
                .post("/sign-in")
                .then();
    }

    private static RequestSpecification change(String session) {
        return given().cookie("bardstream_session", session)
                .contentType(ContentType.JSON)
                .body(SCORE);
    }
}

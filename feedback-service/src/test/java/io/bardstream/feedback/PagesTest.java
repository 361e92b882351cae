package io.bardstream.feedback;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.containsStringIgnoringCase;
import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.startsWith;

import io.bardstream.embedded.EmbeddedServices;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.specification.RequestSpecification;
import jakarta.inject.Inject;
import jakarta.persistence.EntityManager;
import org.hamcrest.Matcher;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The pages as a server gives them: what is in them, and which posts they take. */
@QuarkusTest
@QuarkusTestResource(EmbeddedServices.class)
class PagesTest {
    private static final String FORM = "application/x-www-form-urlencoded; charset=UTF-8";

    @Inject
    EntityManager database;

    @BeforeEach
    void anEmptyPool() {
        Given.nothingJudged(database);
    }

    @Test
    void theScriptHasNoWordsAndNothingStandsInThePageThatRuns() {
        Given.pairs(1);
        String page = as("ann").get("/").then().statusCode(200).extract().asString();

        assertThat(page).doesNotContain("<style", " style=", " onclick=", "javascript:", "http://", "https://");
        assertThat(page.split("<script", -1)).as("scripts").hasSize(2);
        String script = page.replaceAll("(?s).*<script type=\"module\" src=\"([^\"]+)\"></script>.*", "$1");
        given().get(script)
                .then()
                .statusCode(200)
                .header("Content-Type", containsString("javascript"))
                .header("Cache-Control", containsString("max-age=2592000"))
                .body(not(containsString("innerHTML")));
    }

    @Test
    void aTranslationReachesThoseWhoAskForIt() {
        given().header("Accept-Language", "de-CH,de;q=0.9,en;q=0.5")
                .get("/")
                .then()
                .statusCode(200)
                .body(containsString("<html lang=\"de\">"), containsString("Anfangen"), containsString("Your handle"));
        given().header("Accept-Language", "fr")
                .get("/")
                .then()
                .statusCode(200)
                .body(containsString("<html lang=\"en\">"), containsString("Begin"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "..", "two words", "<b>", "ünïcödé"})
    void whatIsNoHandleIsRefusedInWordsAndForgotten(String handle) {
        as("ann")
                .redirects()
                .follow(false)
                .formParam("handle", handle)
                .post("/annotator")
                .then()
                .statusCode(handle.isEmpty() ? 303 : 400)
                .body(not(containsString("<b>")));
        given().cookie("bardstream_annotator", "<b>")
                .get("/")
                .then()
                .statusCode(200)
                .body(containsString("Your handle"));
    }

    @Test
    void theHandleIsKeptInACookieThatNoScriptReads() {
        given().redirects()
                .follow(false)
                .formParam("handle", " ann ")
                .post("/annotator")
                .then()
                .statusCode(303)
                .cookie("bardstream_annotator", "ann")
                .header("Set-Cookie", containsStringIgnoringCase("httponly"))
                .header("Set-Cookie", containsStringIgnoringCase("samesite=lax"));
    }

    @Test
    void aPageOfAnotherSiteCannotVote() {
        String pair = Given.pairs(1).get(0);
        for (String origin : new String[] {"https://evil.example", "null"}) {
            vote(pair, "a").header("Origin", origin).post("/vote").then().statusCode(403);
        }
        assertThat(QuarkusTransaction.requiringNew().call(() -> Vote.count("comparison", pair)))
                .isZero();
    }

    @Test
    void whoGoesBackAndChoosesAgainMeansTheNewChoice() {
        String pair = Given.pairs(1).get(0);
        for (String choice : new String[] {"a", "a", "b"}) {
            vote(pair, choice).post("/vote").then().statusCode(303);
        }
        assertThat(QuarkusTransaction.requiringNew().call(() -> Vote.count("comparison", pair)))
                .isEqualTo(2);
    }

    @Test
    void aWrongVoteIsRefusedInWords() {
        String pair = Given.pairs(1).get(0);
        refused(vote("<script>", "a"), 404, containsString("&lt;script&gt;"));
        refused(vote(pair, "<script>"), 400, containsString("&lt;script&gt;"));
        refused(vote(pair, "a").formParam("comment", "x".repeat(2001)), 400, containsString("at most 2000"));
        refused(given().formParam("comparison", pair).formParam("choice", "a"), 400, containsString("annotator"));
    }

    @Test
    void theLongestCommentAndPromptArriveInAnyScript() {
        String pair = Given.pairs(1).get(0);
        String longest = "\u8a69".repeat(2000);
        vote(pair, "a")
                .contentType(FORM)
                .formParam("comment", longest)
                .post("/vote")
                .then()
                .statusCode(303);
        given().redirects()
                .follow(false)
                .contentType(FORM)
                .formParam("text", longest)
                .post("/prompts")
                .then()
                .statusCode(303);
        assertThat(QuarkusTransaction.requiringNew().call(() -> Vote.count("comment", longest)))
                .isEqualTo(1);
        assertThat(QuarkusTransaction.requiringNew().call(() -> Prompt.count("text", longest)))
                .isEqualTo(1);
    }

    @Test
    void aPairThatIsGoneIsToldInWords() {
        as("ann")
                .get("/?pair=comparison-0")
                .then()
                .statusCode(404)
                .contentType(startsWith("text/html"))
                .body(containsString("There is no comparison"), containsString("href=\"/\""));
        as("ann")
                .header("Accept", "text/html,*/*;q=0.8")
                .get("/v1/comparisons/next")
                .then()
                .statusCode(400)
                .contentType(startsWith("application/json"));
    }

    @Test
    void aPromptThatIsNoneIsRefusedInWords() {
        given().formParam("text", " \r\n ")
                .post("/prompts")
                .then()
                .statusCode(400)
                .contentType(startsWith("text/html"))
                .body(containsString("text: is empty"), containsString("href=\"/prompts\""));
    }

    @Test
    void theStatisticsAreThereBeforeAndAfterTheFirstVote() {
        given().get("/statistics").then().statusCode(200).body(containsString("Nobody has voted yet."));

        Given.pairs(2).forEach(pair -> vote(pair, "a").post("/vote").then().statusCode(303));

        given().get("/statistics")
                .then()
                .statusCode(200)
                .body(containsString("Of 2 choices between A and B 100\u00a0% were for A."))
                .body(containsString("No pair has been judged by two people yet."))
                .body(containsString("<th scope=\"row\">ann</th><td>2</td><td>2</td><td>100\u00a0%</td>"))
                .body(containsString("at most 2 on one day."));
    }

    private static void refused(RequestSpecification vote, int status, Matcher<String> message) {
        vote.post("/vote")
                .then()
                .statusCode(status)
                .contentType(startsWith("text/html"))
                .body(message);
    }

    private static RequestSpecification as(String annotator) {
        return given().cookie("bardstream_annotator", annotator);
    }

    private static RequestSpecification vote(String comparison, String choice) {
        return as("ann")
                .redirects()
                .follow(false)
                .formParam("comparison", comparison)
                .formParam("choice", choice);
    }
}

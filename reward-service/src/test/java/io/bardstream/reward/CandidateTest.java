package io.bardstream.reward;

import static io.restassured.RestAssured.given;
import static io.restassured.RestAssured.when;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.hamcrest.Matchers.equalTo;

import io.bardstream.embedded.Broker;
import io.bardstream.embedded.EmbeddedServices;
import io.bardstream.event.Checkpoint;
import io.bardstream.event.PromotionDecision;
import io.bardstream.event.PromotionDecision.Outcome;
import io.bardstream.event.Score;
import io.bardstream.event.Topics;
import io.bardstream.service.BardstreamHome;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** From a candidate on the topics to what is decided of it, and back by hand. */
@QuarkusTest
@QuarkusTestResource(EmbeddedServices.class)
class CandidateTest {
    private static final Duration SOON = Duration.ofMinutes(2);

    @Inject
    BardstreamHome home;

    @ConfigProperty(name = "kafka.bootstrap.servers")
    String kafka;

    private Broker broker;
    private Ring ring;

    @BeforeEach
    void ring() {
        broker = new Broker(kafka);
        ring = new Ring(broker, home);
    }

    @Test
    void aCandidateThatPeopleAndTheJudgePreferServesAndTheOneBeforeItComesBackByHand() throws Exception {
        // Given a judge of the policy that serves, and a candidate that says thou
        Checkpoint policy = ring.promotedPolicy();
        await().atMost(SOON).until(() -> policy.id().equals(serving()));
        ring.votes(24, "ann");
        await().atMost(SOON).until(() -> when().get("/v1/reward-models")
                .jsonPath()
                .getList("data.policy", String.class)
                .contains(policy.id()));
        Checkpoint candidate = ring.candidate(policy, 3);
        awaitDecision(candidate, Outcome.WAIT);

        // When both have answered, and twelve people prefer the candidate's answers
        List<String> generations = ring.generations(6, candidate, policy);
        ring.votes(12, "bob", candidate.id(), policy.id());

        // Then the judge has scored what they wrote, the candidate is promoted, and the evidence stands with it
        PromotionDecision decision = awaitDecision(candidate, Outcome.PROMOTE);
        assertThat(decision.promoted()).isEqualTo(policy.id());
        assertThat((Double) decision.evidence().get("wins")).isEqualTo(12);
        assertThat((Double) decision.evidence().get("reward_gain")).isPositive();
        assertThat(broker.read(Topics.SCORES)).extracting(Score::generationId).containsAll(generations);
        await().atMost(SOON).until(() -> candidate.id().equals(serving()));

        // And back
        given().contentType("application/json")
                .body(Map.of("back", true))
                .post("/v1/promotions")
                .then()
                .statusCode(201)
                .body("checkpoint", equalTo(policy.id()))
                .body("previous", equalTo(candidate.id()));
        await().atMost(SOON).until(() -> policy.id().equals(serving()));
    }

    @Test
    void aCandidateThatWentTooFarIsRejectedWithTheReason() throws Exception {
        Checkpoint policy = ring.promotedPolicy();
        await().atMost(SOON).until(() -> policy.id().equals(serving()));

        Checkpoint candidate = ring.candidate(policy, 40);

        PromotionDecision decision = awaitDecision(candidate, Outcome.REJECT);
        assertThat(decision.reason()).contains("40.0 nats");
        assertThat(serving()).isEqualTo(policy.id());
        await().atMost(SOON).untilAsserted(() -> when().get("/v1/promotion-decisions/" + candidate.id())
                .then()
                .statusCode(200)
                .body("outcome", equalTo("reject"))
                .body("promoted", equalTo(policy.id()))
                .body("reason", equalTo(decision.reason()))
                .body("evidence.'objective/kl'", equalTo(40f)));
    }

    @Test
    void whatIsDecidedOfAWaitingCandidateIsToldWithItsVotes() throws Exception {
        // Given a candidate that waits
        Checkpoint policy = ring.promotedPolicy();
        await().atMost(SOON).until(() -> policy.id().equals(serving()));
        Checkpoint candidate = ring.candidate(policy, 3);
        await().atMost(SOON).until(() -> reason(candidate).contains("0 so far"));

        // When it is voted on, too little to decide
        ring.votes(3, "bob", candidate.id(), policy.id());

        // Then the reason has the votes, on the topic as over HTTP, and other candidates have decisions of their own
        await().atMost(SOON).until(() -> reason(candidate).contains("3 so far"));
        assertThat(broker.read(Topics.PROMOTION_DECISIONS))
                .filteredOn(decision -> decision.candidate().equals(candidate.id()))
                .allMatch(decision -> decision.outcome() == Outcome.WAIT)
                .extracting(PromotionDecision::reason)
                .anyMatch(reason -> reason.contains("0 so far"))
                .anyMatch(reason -> reason.contains("3 so far"));
        assertThat(when().get("/v1/promotion-decisions").jsonPath().getList("data.candidate", String.class))
                .startsWith(candidate.id())
                .doesNotHaveDuplicates();
        when().get("/v1/promotion-decisions/nobody").then().statusCode(404);
    }

    private static String reason(Checkpoint candidate) {
        var answer = when().get("/v1/promotion-decisions/" + candidate.id());
        return answer.statusCode() == 200 ? answer.jsonPath().getString("reason") : "";
    }

    @Test
    void whatCannotBePromotedIsRefused() {
        refused(Map.of(), 400, "checkpoint");
        refused(Map.of("checkpoint", "x", "back", true), 400, "checkpoint");
        refused(Map.of("checkpoint", "x", "now", true), 400, "now");
        given().contentType("application/json")
                .body(Map.of("checkpoint", "nobody"))
                .post("/v1/promotions")
                .then()
                .statusCode(404);
    }

    private static void refused(Map<String, Object> body, int status, String field) {
        given().contentType("application/json")
                .body(body)
                .post("/v1/promotions")
                .then()
                .statusCode(status)
                .body("error.param", equalTo(field));
    }

    private PromotionDecision awaitDecision(Checkpoint candidate, Outcome outcome) {
        return await().atMost(SOON)
                .until(
                        () -> broker.read(Topics.PROMOTION_DECISIONS).stream()
                                .filter(decision ->
                                        decision.candidate().equals(candidate.id()) && decision.outcome() == outcome)
                                .toList(),
                        found -> !found.isEmpty())
                .get(0);
    }

    private static String serving() {
        return when().get("/v1/promotions").jsonPath().getString("data[0].checkpoint");
    }
}

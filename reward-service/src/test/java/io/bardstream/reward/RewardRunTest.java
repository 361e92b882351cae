package io.bardstream.reward;

import static io.restassured.RestAssured.given;
import static io.restassured.RestAssured.when;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.awaitility.Awaitility.await;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;

import io.bardstream.checkpoint.CheckpointStore;
import io.bardstream.checkpoint.Lineage;
import io.bardstream.embedded.Broker;
import io.bardstream.embedded.EmbeddedServices;
import io.bardstream.event.Checkpoint;
import io.bardstream.event.Dataset;
import io.bardstream.event.DatasetKind;
import io.bardstream.event.Stage;
import io.bardstream.event.Topics;
import io.bardstream.event.TrainingRequest;
import io.bardstream.gpt.RewardModel;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.Precision;
import io.bardstream.service.BardstreamHome;
import io.bardstream.service.BundledPrompts;
import io.bardstream.training.Facts;
import io.bardstream.training.JudgedPair;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.path.json.JsonPath;
import jakarta.inject.Inject;
import jakarta.persistence.EntityManager;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** From votes on the topic to a reward model in the store, by itself and by request. The policy is a model of two layers. */
@QuarkusTest
@QuarkusTestResource(EmbeddedServices.class)
class RewardRunTest {
    private static final Duration SOON = Duration.ofMinutes(2);

    @Inject
    BardstreamHome home;

    @Inject
    Facts facts;

    @Inject
    EntityManager database;

    @ConfigProperty(name = "kafka.bootstrap.servers")
    String kafka;

    private Broker broker;
    private Ring ring;

    @BeforeEach
    void ring() throws Exception {
        broker = new Broker(kafka);
        ring = new Ring(broker, home);
    }

    @Test
    void twentyVotesStartARewardModelThatPassesItsGate() throws Exception {
        // Given a policy that serves
        Checkpoint policy = knownPolicy();

        // When twenty-four pairs are judged for the one that ends in thou
        ring.votes(24, "ann");

        // Then a model of all votes so far is trained, says how good it is, and passes
        JsonPath view = awaitReward(policy.id());
        assertThat(view.getBoolean("verdict.passed")).as(view.prettify()).isTrue();
        assertThat(view.getLong("offsets.end")).isGreaterThanOrEqualTo(20);
        assertThat(view.getDouble("held_out.low")).isGreaterThan(0.5);
        when().get("/v1/checkpoints/" + view.getString("id")).then().body("model", equalTo(Checkpoint.REWARD));

        // And it stands in the store with the offsets it was made of, scaled over the texts it was trained on
        Path folder = new CheckpointStore(home.checkpoints()).verify(view.getString("path"), view.getString("sha256"));
        Lineage lineage = Lineage.read(folder);
        assertThat(lineage.request().requestedBy()).isEqualTo(TrainingRequest.CURRICULUM);
        assertThat(lineage.dataset().kind()).isEqualTo(DatasetKind.PREFERENCE);
        assertThat(lineage.dataset().splits().get(0).ranges().get(0).topic()).isEqualTo("preferences");
        assertThat(broker.records(Topics.DATASETS.name()))
                .anyMatch(record -> record.key().equals(lineage.dataset().id()));
        try (Compute compute = Compute.open(Precision.FLOAT32, 1);
                RewardModel model = RewardModel.load(folder, compute)) {
            double[] rewards =
                    model.rewards(List.of(ring.tokens("Speak 1:", " thou"), ring.tokens("Speak 1:", " you")));
            assertThat(rewards[0]).isGreaterThan(rewards[1]);

            // And it answers over HTTP as it does here
            JsonPath scored = score(Map.of(
                    "prompt", "Speak 1:", "responses", List.of(" thou", " you"), "reward_model", view.getString("id")));
            assertThat(scored.getString("reward_model")).isEqualTo(view.getString("id"));
            assertThat(scored.getDouble("scores[0]")).isCloseTo(rewards[0], within(1e-4));
            assertThat(scored.getDouble("scores[1]")).isCloseTo(rewards[1], within(1e-4));
        }

        // And the trainer is asked for PPO from that policy, on the prompts that were trained on
        TrainingRequest ppo = await().atMost(SOON)
                .until(
                        () -> broker.read(Topics.TRAINING_REQUESTS).stream()
                                .filter(request -> view.getString("id").equals(request.reward()))
                                .toList(),
                        found -> !found.isEmpty())
                .get(0);
        assertThat(ppo.stage()).isEqualTo(Stage.PPO);
        assertThat(ppo.parent()).isEqualTo(policy.id());
        assertThat(ppo.dataset()).isEqualTo(policy.dataset());
        assertThat(ppo.requestedBy()).isEqualTo(TrainingRequest.CURRICULUM);
        assertThat(ppo.hyperparameters().ppo()).isNotNull();
        assertThat(ppo.hyperparameters().contextLength()).isEqualTo(32);
        assertThat(ppo.prompts())
                .contains("Speak 1:")
                .containsAll(BundledPrompts.all().stream()
                        .filter(prompt -> !JudgedPair.isHeldOut(prompt))
                        .toList())
                .doesNotHaveDuplicates()
                .noneMatch(JudgedPair::isHeldOut);
    }

    @Test
    void tuningTheWholeModelLearnsAndEndsWithTheSameSha256FromTheLogAndWhenItIsTakenFromItsWorker() throws Exception {
        // Given
        Checkpoint policy = knownPolicy();
        ring.votes(12, "bob");

        // When
        Map<String, Object> settings = Map.of(
                "trunk",
                "tuned",
                "steps",
                24,
                "batch_size",
                8,
                "learning_rate",
                3e-3,
                "checkpoint_interval",
                4,
                "threads",
                1);
        Map<String, Object> asked = Map.of("stage", "reward", "parent", policy.id(), "hyperparameters", settings);
        String run = submit(asked);
        JsonPath done = awaitEnd(run);

        // Then
        assertThat(done.getString("status")).as(done.prettify()).isEqualTo("succeeded");
        assertThat(model(run).getDouble("held_out_loss")).isLessThan(0.6);
        String replay = replay(run, Map.of());
        when().get("/v1/runs/" + replay + "/comparison").then().body("verdict", equalTo("equal"));

        // When the same is taken from its worker without a word, then another goes on, and it ends as it would have
        String disturbed = submit(asked);
        await().atMost(SOON)
                .pollInterval(Duration.ofMillis(20))
                .until(() -> when().get("/v1/runs/" + disturbed).jsonPath().getLong("step") > 4);
        takeAway(disturbed);
        assertThat(awaitEnd(disturbed).getString("status")).isEqualTo("succeeded");
        assertThat(model(disturbed).getString("sha256")).isEqualTo(model(run).getString("sha256"));
    }

    /** Makes the run another's who is gone already. */
    private void takeAway(String run) {
        QuarkusTransaction.requiringNew().run(() -> database.createNativeQuery(
                        "update {h-schema}run set fence = fence + 1, lease_until = null, lease_owner = null where id = :run")
                .setParameter("run", run)
                .executeUpdate());
    }

    /** What a run made. */
    private static JsonPath model(String run) {
        String checkpoint = when().get("/v1/runs/" + run).jsonPath().getString("checkpoint");
        return when().get("/v1/reward-models/" + checkpoint).jsonPath();
    }

    @Test
    void whatIfSomebodyHadNotVotedOrTheLastVotesHadNotCome() throws Exception {
        // Given a model of the votes of two people, with a view of what was voted before
        Checkpoint policy = knownPolicy();
        ring.votes(10, "dot");
        ring.votes(8, "eve");
        String run = submit(Map.of(
                "stage", "reward", "parent", policy.id(), "hyperparameters", Map.of("threads", 1, "trunk", "frozen")));
        assertThat(awaitEnd(run).getString("status")).isEqualTo("succeeded");
        Dataset all = lineage(run).dataset();
        long end = all.splits().get(0).ranges().get(0).end();

        // When it is trained without one of them, or without her last three
        Dataset without = lineage(replay(run, Map.of("exclude_annotators", List.of("eve"))))
                .dataset();
        Dataset before = lineage(replay(run, Map.of("until", end - 3))).dataset();

        // Then the pairs are fewer, and stand in the lineage under a sha256 of their own
        assertThat(pairs(without)).isEqualTo(pairs(all) - 8);
        assertThat(pairs(before)).isEqualTo(pairs(all) - 3);
        assertThat(before.splits().get(0).ranges().get(0).end()).isEqualTo(end - 3);
        assertThat(List.of(all, without, before))
                .extracting(Dataset::corpusSha256)
                .doesNotHaveDuplicates();

        // And who has not voted, or an offset that is not there, is refused by name
        refusedReplay(run, Map.of("exclude_annotators", List.of("nobody")), "exclude_annotators");
        refusedReplay(run, Map.of("until", end + 1), "until");
    }

    private static long pairs(Dataset dataset) {
        return dataset.splits().stream().mapToLong(Dataset.Split::blocks).sum();
    }

    private Lineage lineage(String run) throws Exception {
        return Lineage.read(home.checkpoints().resolve(model(run).getString("path")));
    }

    private static String replay(String run, Map<String, Object> changes) {
        String replay = given().contentType("application/json")
                .body(changes)
                .post("/v1/runs/" + run + "/replay")
                .then()
                .statusCode(202)
                .extract()
                .path("id");
        assertThat(awaitEnd(replay).getString("status")).isEqualTo("succeeded");
        return replay;
    }

    private static void refusedReplay(String run, Map<String, Object> changes, String field) {
        given().contentType("application/json")
                .body(changes)
                .post("/v1/runs/" + run + "/replay")
                .then()
                .statusCode(400)
                .body("error.param", equalTo(field));
    }

    @Test
    void whatCannotBeTrainedIsRefusedByName() throws Exception {
        Checkpoint policy = knownPolicy();
        ring.votes(2, "cid");

        refused(Map.of("parent", "nobody"), "parent");
        refused(Map.of("parent", policy.id(), "dataset", "nothing"), "dataset");
        refused(Map.of("parent", policy.id(), "hyperparameters", Map.of("trunk", "half")), "trunk");
        refused(Map.of("parent", policy.id(), "hyperparameters", Map.of("context_length", 4096)), "context_length");
        refused(Map.of("parent", policy.id(), "hyperparameters", Map.of("learning_rat", 1)), "learning_rat");
        refused(Map.of("parent", policy.id(), "memory", 1_000_000), "batch_size");
        when().get("/v1/reward-models/nobody").then().statusCode(404);
    }

    @Test
    void whatCannotBeScoredIsRefusedByName() {
        refusedScore(Map.of("responses", List.of("thou")), "prompt");
        refusedScore(Map.of("prompt", "Speak", "responses", List.of()), "responses");
        refusedScore(Map.of("prompt", "Speak", "response", "thou", "responses", List.of("you")), "responses");
        refusedScore(Map.of("prompt", "Speak", "response", "thou", "temperature", 1), "temperature");
        refusedScore(Map.of("prompt", "Speak", "response", "thou", "format", "sung"), "format");
        given().contentType("application/json")
                .body(Map.of("prompt", "Speak", "response", "thou", "reward_model", "nobody"))
                .post("/v1/score")
                .then()
                .statusCode(404);
    }

    private static void refusedScore(Map<String, Object> body, String field) {
        given().contentType("application/json")
                .body(body)
                .post("/v1/score")
                .then()
                .statusCode(400)
                .body("error.param", equalTo(field));
    }

    private static JsonPath score(Map<String, Object> body) {
        return given().contentType("application/json")
                .body(body)
                .post("/v1/score")
                .then()
                .statusCode(200)
                .extract()
                .jsonPath();
    }

    private static void refused(Map<String, Object> body, String field) {
        Map<String, Object> asked = new HashMap<>(body);
        asked.put("stage", "reward");
        given().contentType("application/json")
                .body(asked)
                .post("/v1/runs")
                .then()
                .statusCode(400)
                .body("error.param", equalTo(field))
                .body("error.message", containsString(field));
    }

    /** A policy that serves, and is known here with its vocabulary. */
    private Checkpoint knownPolicy() throws Exception {
        Checkpoint policy = ring.promotedPolicy();
        await().atMost(SOON)
                .until(() -> facts.checkpoint(policy.id()).isPresent()
                        && facts.tokenizerOf(policy.tokenizerSha256()).isPresent()
                        && policy.id()
                                .equals(when().get("/v1/promotions").jsonPath().getString("data[0].checkpoint")));
        return policy;
    }

    private static JsonPath awaitReward(String policy) {
        String mine = "data.find { it.policy == '" + policy + "' }.id";
        String id = await().atMost(SOON)
                .until(() -> when().get("/v1/reward-models").jsonPath().getString(mine), found -> found != null);
        return when().get("/v1/reward-models/" + id).jsonPath();
    }

    private static String submit(Map<String, Object> body) {
        return given().contentType("application/json")
                .body(body)
                .post("/v1/runs")
                .then()
                .statusCode(202)
                .extract()
                .path("id");
    }

    private static JsonPath awaitEnd(String run) {
        return await().atMost(SOON)
                .until(() -> when().get("/v1/runs/" + run).jsonPath(), view -> !List.of("queued", "running")
                        .contains(view.getString("status")));
    }
}

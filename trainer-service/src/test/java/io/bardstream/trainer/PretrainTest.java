package io.bardstream.trainer;

import static io.bardstream.training.RunsApi.announced;
import static io.bardstream.training.RunsApi.awaitRun;
import static io.bardstream.training.RunsApi.awaitStatus;
import static io.bardstream.training.RunsApi.cancel;
import static io.bardstream.training.RunsApi.metrics;
import static io.bardstream.training.RunsApi.refused;
import static io.bardstream.training.RunsApi.run;
import static io.restassured.RestAssured.given;
import static io.restassured.RestAssured.when;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.hamcrest.Matchers.equalTo;

import io.bardstream.checkpoint.CheckpointStore;
import io.bardstream.checkpoint.Lineage;
import io.bardstream.embedded.Broker;
import io.bardstream.embedded.EmbeddedServices;
import io.bardstream.event.Checkpoint;
import io.bardstream.event.Dataset;
import io.bardstream.event.Dataset.Split;
import io.bardstream.event.StepMetrics;
import io.bardstream.event.Topics;
import io.bardstream.event.TrainingRequest;
import io.bardstream.gpt.Gpt;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.Precision;
import io.bardstream.service.BardstreamHome;
import io.bardstream.train.Evaluation;
import io.bardstream.training.PublishedCorpus;
import io.bardstream.training.RunsApi;
import io.bardstream.training.TokenFiles;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.test.common.WithTestResource;
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
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Pretraining from records on Kafka to announced checkpoints, on a text small enough to be learnt by heart. */
@QuarkusTest
@WithTestResource(EmbeddedServices.class)
class PretrainTest {
    private static final Duration SOON = Duration.ofMinutes(2);
    private static final String SONNET = """
            Shall I compare thee to a summer's day?
            Thou art more lovely and more temperate:
            Rough winds do shake the darling buds of May,
            And summer's lease hath all too short a date.
            """;

    @Inject
    BardstreamHome home;

    @Inject
    TokenFiles tokens;

    @Inject
    EntityManager database;

    @ConfigProperty(name = "kafka.bootstrap.servers")
    String kafka;

    private PublishedCorpus corpus;
    private Dataset dataset;

    @BeforeEach
    void corpus() {
        corpus = new PublishedCorpus(kafka, SONNET.repeat(20), 320);
    }

    @AfterEach
    void close() {
        corpus.close();
    }

    @Test
    @Tag("containers")
    void theCurriculumTrainsTinyOnADatasetAndTheLossFalls() throws Exception {
        // Given nothing but a dataset and its tokenizer on the topics
        dataset = corpus.publish(100);

        // When the run that follows from them has gone some way and is cancelled
        String run = awaitRun(dataset, "pretrain");
        await().atMost(SOON).until(() -> run(run).getLong("step") > 75);
        cancel(run);

        // Then it was tiny with all its defaults, the loss fell, and each better checkpoint was announced
        JsonPath view = run(run);
        assertThat(view.getString("preset")).isEqualTo("tiny");
        assertThat(view.getString("requested_by")).isEqualTo(TrainingRequest.CURRICULUM);
        List<StepMetrics> metrics = metrics(run);
        double initial = metrics.get(0).loss();
        assertThat(initial).isBetween(5.0, 6.5); // ln 320 = 5.77
        assertThat(view.getDouble("best_validation_loss")).isLessThan(initial - 1);
        assertThat(view.getDouble("bits_per_byte")).isPositive();
        assertThat(metrics)
                .anySatisfy(metric -> assertThat(metric.tokensPerSecond()).isPositive());
        String best = view.getString("checkpoint");
        await().atMost(SOON).until(() -> new Broker(kafka)
                .read(Topics.CHECKPOINTS).stream()
                        .anyMatch(checkpoint -> checkpoint.id().equals(best)));
        Checkpoint announced = new Broker(kafka)
                .read(Topics.CHECKPOINTS).stream()
                        .filter(checkpoint -> checkpoint.id().equals(best))
                        .findFirst()
                        .orElseThrow();
        Path folder = new CheckpointStore(home.checkpoints()).verify(announced.path(), announced.sha256());

        // And the folder says all the weights are a function of, and has the loss it claims
        Lineage lineage = Lineage.read(folder);
        assertThat(lineage.dataset().splits()).isEqualTo(dataset.splits());
        assertThat(lineage.request().hyperparameters().optimizer()).isNotNull();
        assertThat(lineage.engine().threads()).isEqualTo(1);
        assertThat(lineage.engine().librarySha256()).hasSize(64);
        try (Compute compute = Compute.open(Precision.parse(lineage.engine().dtype()));
                Gpt gpt = Gpt.load(folder, compute)) {
            var validation = tokens.open(dataset, Split.VALIDATION, () -> false);
            assertThat(Evaluation.evaluate(gpt, validation, 128, 16, 0).loss())
                    .isEqualTo(announced.metrics().get(Checkpoint.VALIDATION_LOSS));
        }
    }

    @Test
    @Tag("containers")
    void aRunThatLostItsProcessEndsWithTheWeightsItWouldHaveHad() throws Exception {
        // Given a run with dropout that nobody disturbs
        dataset = corpus.publish(100);
        cancelTheCurriculums();
        Map<String, Object> parameters =
                Map.of("steps", 48, "evaluation_interval", 10, "checkpoint_interval", 7, "dropout", 0.1);
        String undisturbed = submit(parameters);
        awaitStatus(undisturbed, "succeeded");

        // When the same run is twice taken away from its worker without a word, as by kill -9, once before its first
        // checkpoint
        String disturbed = submit(parameters);
        for (int step : new int[] {0, 20}) {
            await().atMost(SOON).until(() -> run(disturbed).getLong("step") > step);
            takeAway(disturbed);
        }
        awaitStatus(disturbed, "succeeded");

        // Then both ended with the same checkpoints
        assertThat(fence(disturbed)).isGreaterThan(fence(undisturbed));
        assertThat(announced(disturbed)).isNotEmpty().isEqualTo(announced(undisturbed));
    }

    @Test
    void aReplayEndsWithTheSameBitsOnAsManyThreadsAsTheRunBeganWith() {
        // Given a run with dropout and accumulation on one thread
        dataset = corpus.publish(100);
        cancelTheCurriculums();
        String original = submit(Map.of(
                "steps", 24, "evaluation_interval", 10, "dropout", 0.1, "gradient_accumulation", 2, "threads", 1));
        awaitStatus(original, "succeeded");

        // When
        String replay = given().noContentType()
                .post("/v1/runs/" + original + "/replay")
                .then()
                .statusCode(202)
                .extract()
                .path("id");
        awaitStatus(replay, "succeeded");

        // Then
        JsonPath comparison = when().get("/v1/runs/" + replay + "/comparison").jsonPath();
        assertThat(comparison.getString("verdict")).as(comparison.prettify()).isEqualTo("equal");
        assertThat(announced(replay)).isNotEmpty().isEqualTo(announced(original));
        assertThat(run(replay).getInt("hyperparameters.threads")).isEqualTo(1);
    }

    @Test
    void evaluatesSamplesAndStopsWhenPatienceIsSpent() {
        // Given a learning rate so high that validation soon gets no better
        dataset = corpus.publish(100);
        cancelTheCurriculums();
        String run = submit(Map.of(
                "steps",
                400,
                "optimizer",
                "adamw",
                "learning_rate",
                0.5,
                "warmup_steps",
                0,
                "patience",
                2,
                "evaluation_interval",
                10,
                "sample_interval",
                10));

        // When it ends
        awaitStatus(run, "succeeded");

        // Then it ended early, evaluated at the steps it should have been, and sampled with the longest copy
        JsonPath view = run(run);
        assertThat(view.getLong("step")).isLessThan(400);
        List<StepMetrics> metrics = metrics(run);
        assertThat(metrics.stream()
                        .filter(metric -> metric.validationLoss() != null)
                        .map(StepMetrics::step)
                        .limit(3))
                .containsExactly(1L, 10L, 20L);
        assertThat(metrics.stream()
                        .filter(metric -> metric.sample() != null)
                        .map(StepMetrics::step)
                        .limit(2))
                .containsExactly(10L, 20L);
        assertThat(metrics.stream().filter(metric -> metric.validationLoss() != null))
                .isNotEmpty()
                .allSatisfy(metric -> {
                    assertThat(metric.utilisation()).isPositive();
                    assertThat(metric.updateRatios()).hasSize(4).allSatisfy(ratio -> assertThat(ratio)
                            .isNotNegative());
                    assertThat(metric.activationScales()).hasSize(4).allSatisfy(scale -> assertThat(scale)
                            .isPositive());
                });
        assertThat(metrics.stream().filter(metric -> metric.sample() != null))
                .allSatisfy(metric -> assertThat(metric.longestCopy())
                        .isBetween(0, metric.sample().length()));
    }

    @Test
    void aLossThatIsNotANumberFailsTheRunAndNamesStepAndLastGoodCheckpoint() {
        // Given a learning rate at which the weights must overflow
        dataset = corpus.publish(100);
        cancelTheCurriculums();
        String run = submit(Map.of(
                "steps",
                200,
                "optimizer",
                "adamw",
                "learning_rate",
                1e30,
                "warmup_steps",
                2,
                "gradient_clip",
                0,
                "evaluation_interval",
                10,
                "dtype",
                "float32"));

        // When it fails
        awaitStatus(run, "failed");

        // Then the error says where, and which checkpoint is good
        JsonPath view = run(run);
        assertThat(view.getString("error")).matches("(?s)Stopped after \\d+ steps: .*(NaN|Infinity).*");
        assertThat(view.getString("error")).contains("last good checkpoint is ");
    }

    @Test
    void goesOnFromTheWeightsOfAParent() {
        // Given a run that ended
        dataset = corpus.publish(100);
        cancelTheCurriculums();
        String first = submit(Map.of("steps", 40, "evaluation_interval", 40));
        awaitStatus(first, "succeeded");
        String parent = run(first).getString("checkpoint");

        // When another goes on from its checkpoint
        Map<String, Object> body = new HashMap<>(body(Map.of("steps", 2, "learning_rate", 1e-5)));
        body.put("parent", parent);
        String second = RunsApi.submit(body);
        awaitStatus(second, "succeeded");

        // Then it begins where the first ended
        assertThat(metrics(second).get(0).loss()).isLessThan(run(first).getDouble("best_validation_loss") + 0.5);
        when().get("/v1/checkpoints/" + run(second).getString("checkpoint"))
                .then()
                .body("parent", equalTo(parent));
    }

    @Test
    void whatCannotWorkIsRefusedByName() {
        dataset = corpus.publish(100);
        cancelTheCurriculums();
        refused(body(Map.of("context_length", 100_000)), "context_length");
        refused(body(Map.of("warmup_steps", 10, "steps", 5)), "warmup_steps");
        refused(body(Map.of("optimizer", "sgd")), "optimizer");
        refused(with("preset", "colossal"), "preset");
        refused(with("parent", "nobody-000001"), "parent");
        refused(with("reward", "somebody"), "reward");
        refused(with("stage", "reward"), "stage"); // reward-service's
        refused(with("dataset", "unheard-of"), "dataset");
        refused(with("memory", -1), "memory");
        refused(with("memory", 1_000_000), "batch_size");
        refused(with("activation_recomputation", true), "activation_recomputation"); // a hyperparameter, not a field
        refused(body(Map.of("activation_recomputation", 1)), "activation_recomputation");
    }

    @Test
    void theMicroBatchIsChosenToFitAtAsManyTokensAStep() {
        // Given a step of 4,096 sequences, whose activations take more than a gigabyte
        dataset = corpus.publish(100);
        cancelTheCurriculums();
        Map<String, Object> body =
                new HashMap<>(body(Map.of("batch_size", 4_096, "gradient_accumulation", 1, "steps", 1)));
        body.put("memory", 400_000_000);
        refused(body, "batch_size");

        // When it is to fit
        body.put("fit", true);
        String run = RunsApi.submit(body);
        cancel(run);

        // Then the request holds what was chosen
        int batch = run(run).getInt("hyperparameters.batch_size");
        assertThat(batch).isBetween(1, 2_048);
        assertThat(batch * run(run).getInt("hyperparameters.gradient_accumulation"))
                .isEqualTo(4_096);
    }

    private Map<String, Object> with(String field, Object value) {
        Map<String, Object> body = new HashMap<>(body(Map.of()));
        body.put(field, value);
        return body;
    }

    private Map<String, Object> body(Map<String, ?> hyperparameters) {
        Map<String, Object> all = new HashMap<>(Map.of("context_length", 32, "batch_size", 4));
        all.putAll(hyperparameters);
        return Map.of("stage", "pretrain", "dataset", dataset.id(), "preset", "tiny", "hyperparameters", all);
    }

    private String submit(Map<String, ?> hyperparameters) {
        return RunsApi.submit(body(hyperparameters));
    }

    /** Makes way for the runs that a test asks for. */
    private void cancelTheCurriculums() {
        cancel(awaitRun(dataset, "pretrain"));
    }

    /** Makes the run another's who is gone already: its worker may write nothing more, and anyone may take it. */
    private void takeAway(String run) {
        QuarkusTransaction.requiringNew().run(() -> database.createNativeQuery(
                        "update {h-schema}run set fence = fence + 1, lease_until = null, lease_owner = null where id = :run")
                .setParameter("run", run)
                .executeUpdate());
    }

    private long fence(String run) {
        return ((Number) QuarkusTransaction.requiringNew()
                        .call(() -> database.createNativeQuery("select fence from {h-schema}run where id = :run")
                                .setParameter("run", run)
                                .getSingleResult()))
                .longValue();
    }
}

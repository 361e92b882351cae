package io.bardstream.trainer;

import static io.bardstream.training.RunsApi.announced;
import static io.bardstream.training.RunsApi.awaitKnown;
import static io.bardstream.training.RunsApi.awaitRun;
import static io.bardstream.training.RunsApi.awaitStatus;
import static io.bardstream.training.RunsApi.metrics;
import static io.bardstream.training.RunsApi.refused;
import static io.bardstream.training.RunsApi.run;
import static io.restassured.RestAssured.given;
import static io.restassured.RestAssured.when;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.awaitility.Awaitility.await;

import io.bardstream.checkpoint.CheckpointStore;
import io.bardstream.checkpoint.HuggingFaceFormat;
import io.bardstream.embedded.EmbeddedServices;
import io.bardstream.event.Checkpoint;
import io.bardstream.event.Dataset;
import io.bardstream.event.Dataset.Split;
import io.bardstream.event.StepMetrics;
import io.bardstream.event.TrainingRequest;
import io.bardstream.gpt.Gpt;
import io.bardstream.kernel.Compute;
import io.bardstream.service.BardstreamHome;
import io.bardstream.tokenizer.SpecialTokens;
import io.bardstream.train.Evaluation;
import io.bardstream.training.ConversationFile;
import io.bardstream.training.PublishedCorpus;
import io.bardstream.training.PublishedInstructions;
import io.bardstream.training.PublishedInstructions.Pair;
import io.bardstream.training.RunsApi;
import io.bardstream.training.TokenFiles;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.path.json.JsonPath;
import jakarta.inject.Inject;
import jakarta.persistence.EntityManager;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;

/**
 * Fine-tuning from records on Kafka to announced checkpoints, on questions whose answers follow a rule. The text's
 * vocabulary has no tokens for turns, as GPT-2's has none.
 */
@QuarkusTest
@WithTestResource(EmbeddedServices.class)
class FineTuneTest {
    private static final Duration SOON = Duration.ofMinutes(2);
    private static final String TEXT = "Say after me: one two three four five six seven eight nine ten. ";
    private static final List<String> WORDS =
            List.of("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten");

    @Inject
    BardstreamHome home;

    @Inject
    TokenFiles files;

    @Inject
    EntityManager database;

    @ConfigProperty(name = "kafka.bootstrap.servers")
    String kafka;

    private PublishedCorpus corpus;
    private PublishedInstructions instructions;
    private Dataset dataset;

    @BeforeEach
    void publish(TestInfo test) {
        // A word of each test's own makes a vocabulary of its own: the curriculum tunes on all instructions in the same
        // one
        String own = TEXT + test.getTestMethod().orElseThrow().getName() + ". ";
        corpus = new PublishedCorpus(kafka, own.repeat(40), 450, List.of(SpecialTokens.END_OF_TEXT));
        instructions = new PublishedInstructions(corpus);
    }

    @AfterEach
    void close() {
        corpus.close();
    }

    @Test
    void theCurriculumTunesAFinishedPretrainOnInstructionsOfItsVocabulary() throws Exception {
        // Given a pretraining of the curriculum that ended with its first checkpoint
        Dataset text = corpus.publish(100);
        String pretrain = awaitRun(text, "pretrain");
        await().atMost(SOON).until(() -> run(pretrain).getString("checkpoint") != null);
        end(pretrain);
        awaitStatus(pretrain, "succeeded");

        // When instructions in its vocabulary arrive
        dataset = publishInstructions(48, 6);
        String run = awaitRun(dataset, "sft");
        awaitStatus(run, "succeeded");

        // Then its best checkpoint was tuned, and the loss of held-out answers fell
        JsonPath view = run(run);
        assertThat(view.getString("requested_by")).isEqualTo(TrainingRequest.CURRICULUM);
        assertThat(view.getString("parent")).isEqualTo(run(pretrain).getString("checkpoint"));
        List<Double> validation = metrics(run).stream()
                .filter(metric -> metric.validationLoss() != null)
                .map(StepMetrics::validationLoss)
                .toList();
        assertThat(view.getDouble("best_validation_loss")).isLessThan(validation.get(0) / 2);

        // And a held-out instruction is answered in its form, with an end
        assertThat(metrics(run).stream()
                        .filter(metric -> metric.sample() != null)
                        .map(StepMetrics::sample))
                .anyMatch(sample -> sample.matches("(?s)<\\|user\\|>.*<\\|assistant\\|>.*<\\|endofturn\\|>"));

        // And the folder is a chat model, its vocabulary grown by the tokens for turns, whose loss is the one announced
        JsonPath checkpoint =
                when().get("/v1/checkpoints/" + view.getString("checkpoint")).jsonPath();
        Path folder = new CheckpointStore(home.checkpoints())
                .verify(checkpoint.getString("path"), checkpoint.getString("sha256"));
        assertThat(Files.readString(folder.resolve(HuggingFaceFormat.TOKENIZER_CONFIG)))
                .contains("chat_template");
        assertThat(HuggingFaceFormat.readConfig(folder).vocabularySize())
                .isEqualTo(text.vocabularySize() + SpecialTokens.ALL.size() - 1)
                .isEqualTo(dataset.vocabularySize());
        try (Compute compute = Compute.open(Compute.preferredPrecision());
                Gpt gpt = Gpt.load(folder, compute)) {
            int pad = instructions.bpe().specialToken(SpecialTokens.PAD).orElseThrow();
            var held =
                    ConversationFile.of(files.open(dataset, Split.VALIDATION, () -> false), dataset, Split.VALIDATION);
            assertThat(Evaluation.evaluate(gpt, held, 128, 8, 0, pad).loss())
                    .isCloseTo(checkpoint.getDouble("metrics." + Checkpoint.VALIDATION_LOSS), within(1e-5));
        }

        // And its lineage goes back to the records and texts of both trainings
        JsonPath lineage = when().get("/v1/checkpoints/" + view.getString("checkpoint") + "/lineage")
                .jsonPath();
        assertThat(lineage.getString("dataset.corpus_sha256")).isEqualTo(dataset.corpusSha256());
        assertThat(lineage.getList("missing")).isEmpty();
        assertThat(lineage.getString("from[0].relation")).isEqualTo("parent");
        assertThat(lineage.getString("from[0].id")).isEqualTo(view.getString("parent"));
        assertThat(lineage.getString("from[0].dataset.corpus_sha256")).isEqualTo(text.corpusSha256());
        assertThat(lineage.getList("from[0].dataset.splits.ranges")).isNotEmpty();
        assertThat(lineage.getList("from[0].missing")).isEmpty();
    }

    @Test
    void aRunThatLostItsProcessEndsWithTheWeightsItWouldHaveHad() {
        // Given fine-tuning with dropout that nobody disturbs
        dataset = publishInstructions();
        Map<String, Object> parameters =
                Map.of("steps", 40, "evaluation_interval", 10, "checkpoint_interval", 7, "dropout", 0.1, "patience", 0);
        String undisturbed = submit(parameters);
        awaitStatus(undisturbed, "succeeded");

        // When the same run is taken from its worker without a word
        String disturbed = submit(parameters);
        await().atMost(SOON).until(() -> run(disturbed).getLong("step") > 12);
        takeAway(disturbed);
        awaitStatus(disturbed, "succeeded");

        // Then both ended with the same checkpoints, and count the same tokens
        assertThat(announced(disturbed)).isNotEmpty().isEqualTo(announced(undisturbed));
        assertThat(run(disturbed).getLong("tokens")).isEqualTo(run(undisturbed).getLong("tokens"));

        // And so does a replay from the log
        String replay = given().noContentType()
                .post("/v1/runs/" + undisturbed + "/replay")
                .then()
                .statusCode(202)
                .extract()
                .path("id");
        awaitStatus(replay, "succeeded");
        assertThat(announced(replay)).isEqualTo(announced(undisturbed));
        assertThat(when().get("/v1/runs/" + replay + "/comparison")
                        .path("verdict")
                        .toString())
                .isEqualTo("equal");
    }

    @Test
    void microBatchesOfAStepCountByTheirTrainedTokens() {
        // Given the same conversations in one batch of sixteen, and in four of four
        dataset = publishInstructions();
        String whole = submit(Map.of("steps", 10, "batch_size", 16, "dtype", "float32"));
        String parts = submit(Map.of("steps", 10, "batch_size", 4, "gradient_accumulation", 4, "dtype", "float32"));
        awaitStatus(whole, "succeeded");
        awaitStatus(parts, "succeeded");

        // Then the losses agree
        List<StepMetrics> a = metrics(whole);
        List<StepMetrics> b = metrics(parts);
        assertThat(a).hasSameSizeAs(b);
        for (int i = 0; i < a.size(); i++) {
            assertThat(a.get(i).loss()).isCloseTo(b.get(i).loss(), within(1e-3));
        }
    }

    @Test
    void stepsFollowFromEpochs() {
        dataset = publishInstructions(); // 100 conversations to train on
        assertThat(stepsOf(Map.of("epochs", 3, "batch_size", 8))).isEqualTo(38); // 300 / 8
        assertThat(stepsOf(Map.of("epochs", 0.5, "batch_size", 8, "gradient_accumulation", 2)))
                .isEqualTo(4);
        assertThat(run(submit(Map.of("epochs", 2, "batch_size", 10))).getInt("hyperparameters.evaluation_interval"))
                .isEqualTo(10);
    }

    @Test
    void whatCannotWorkIsRefusedByName() {
        dataset = publishInstructions();
        refused(body(Map.of("epochs", 2, "steps", 5)), "epochs");
        refused(body(Map.of("epochs", 0)), "epochs");
        refused(body(Map.of("epochs", "many")), "epochs");
        refused(with("parent", "nobody-000001"), "parent");
        refused(with("dataset", "unheard-of"), "dataset");
        refused(with("dataset", null), "dataset");
        refused(with("stage", "pretrain"), "dataset");
    }

    private Dataset publishInstructions() {
        return publishInstructions(100, 25);
    }

    private Dataset publishInstructions(int train, int validation) {
        List<Pair> pairs = IntStream.range(0, train + validation)
                .mapToObj(i -> new Pair(
                        "Say " + WORDS.get(i % 10) + " " + WORDS.get(i / 10 % 10) + (i < train ? "" : ", sir"),
                        WORDS.get(i % 10) + "!"))
                .toList();
        Dataset published = instructions.publish(pairs.subList(0, train), pairs.subList(train, train + validation));
        awaitKnown(published, "sft");
        return published;
    }

    private int stepsOf(Map<String, ?> hyperparameters) {
        String id = submit(hyperparameters);
        int steps = run(id).getInt("steps");
        when().post("/v1/runs/" + id + "/cancel");
        return steps;
    }

    private Map<String, Object> with(String field, Object value) {
        Map<String, Object> body = new HashMap<>(body(Map.of()));
        body.put(field, value);
        return body;
    }

    private Map<String, Object> body(Map<String, ?> hyperparameters) {
        return Map.of("stage", "sft", "dataset", dataset.id(), "preset", "tiny", "hyperparameters", hyperparameters);
    }

    private String submit(Map<String, ?> hyperparameters) {
        return RunsApi.submit(body(hyperparameters));
    }

    /** Makes the run another's who is gone already. */
    private void takeAway(String run) {
        change(run, "fence = fence + 1, lease_until = null, lease_owner = null");
    }

    /** Ends the run where it is, as another worker might. */
    private void end(String run) {
        change(run, "status = 'SUCCEEDED', fence = fence + 1, lease_until = null, lease_owner = null");
    }

    private void change(String run, String columns) {
        QuarkusTransaction.requiringNew()
                .run(() -> database.createNativeQuery("update {h-schema}run set " + columns + " where id = :run")
                        .setParameter("run", run)
                        .executeUpdate());
    }
}

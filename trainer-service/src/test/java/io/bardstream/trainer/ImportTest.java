package io.bardstream.trainer;

import static io.bardstream.training.RunsApi.awaitRun;
import static io.bardstream.training.RunsApi.cancel;
import static io.bardstream.training.RunsApi.checkpoint;
import static io.bardstream.training.RunsApi.run;
import static io.bardstream.training.RunsApi.submit;
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
import io.bardstream.event.Dataset.Split;
import io.bardstream.event.Ids;
import io.bardstream.event.Topics;
import io.bardstream.gpt.GptConfig;
import io.bardstream.gpt.GptInJava;
import io.bardstream.service.BardstreamHome;
import io.bardstream.training.PublishedCorpus;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.path.json.JsonPath;
import io.restassured.response.ValidatableResponse;
import jakarta.inject.Inject;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Weights that were made elsewhere, by a GPT-2 in plain Java: imported, asked for their numbers, and trained on. That the
 * logits agree is what shows that every matrix lies the right way round; a square one would fit either way.
 */
@QuarkusTest
@WithTestResource(EmbeddedServices.class)
class ImportTest {
    private static final Duration SOON = Duration.ofMinutes(2);
    private static final int CONTEXT = 24;
    private static final String TEXT =
            "Shall I compare thee to a summer's day?\nThou art more lovely and more temperate:\n";

    @Inject
    BardstreamHome home;

    @ConfigProperty(name = "kafka.bootstrap.servers")
    String kafka;

    @TempDir
    Path temporary;

    private PublishedCorpus corpus;
    private GptInJava model;
    private Path folder;

    @BeforeEach
    void aFolder() throws IOException {
        corpus = new PublishedCorpus(kafka, TEXT.repeat(40), 300);
        model = new GptInJava(new GptConfig(2, 2, 16, CONTEXT, corpus.bpe().vocabularySize()), System.nanoTime());
        folder = Files.createDirectory(temporary.resolve("My model"));
        model.save(folder);
        Files.writeString(folder.resolve("tokenizer.json"), corpus.bpe().toJson());
    }

    @AfterEach
    void close() {
        corpus.close();
    }

    @Test
    void aFolderBecomesACheckpointOnce() throws IOException {
        // When
        JsonPath first = imported(Map.of("path", folder.toString()), 201);
        JsonPath again = imported(Map.of("path", folder.toString()), 200);

        // Then it is one checkpoint, announced, whole, and says where it comes from
        String id = first.getString("id");
        assertThat(id).matches("My-model-[0-9a-f]{8}").isEqualTo(again.getString("id"));
        assertThat(first.getString("stage")).isEqualTo("pretrain");
        when().get("/v1/checkpoints/" + id).then().statusCode(200).body("sha256", equalTo(first.getString("sha256")));
        await().atMost(SOON).until(() -> announced(id).size() == 1);
        Checkpoint checkpoint = announced(id).get(0);
        assertThat(checkpoint.requestedBy()).isEqualTo("import");
        assertThat(checkpoint.tokenizerSha256()).isEqualTo(corpus.bpe().sha256());
        Path stored = new CheckpointStore(home.checkpoints()).verify(checkpoint.path(), checkpoint.sha256());
        assertThat(Lineage.read(stored).imported().files())
                .containsEntry("config.json", Ids.sha256(Files.readAllBytes(folder.resolve("config.json"))))
                .containsOnlyKeys("config.json", "model.safetensors", "tokenizer.json");
        assertThat(stored).isDirectoryContaining("glob:**/{vocab.json,merges.txt,generation_config.json}");
    }

    @Test
    void itsLogitsAreThoseOfTheFormulas() {
        String id = imported(Map.of("path", folder.toString(), "name", "logits"), 201)
                .getString("id");
        int[] tokens = tokens(CONTEXT);

        List<List<Float>> logits =
                logits(id, tokens).statusCode(200).extract().jsonPath().getList("logits");

        double[][] expected = model.logits(tokens);
        assertThat(logits).hasSize(CONTEXT);
        for (int t = 0; t < CONTEXT; t++) {
            assertThat(logits.get(t)).hasSize(expected[t].length);
            for (int v = 0; v < expected[t].length; v++) {
                assertThat(((Number) logits.get(t).get(v)).doubleValue()).isCloseTo(expected[t][v], within(1e-4));
            }
        }
    }

    @Test
    void logitsThatCannotBeAreRefusedByName() {
        String id = imported(Map.of("path", folder.toString()), 201).getString("id");

        refused(logits(id, tokens(CONTEXT + 1)), 400, "tokens", "context holds 24");
        refused(logits(id, corpus.bpe().vocabularySize()), 400, "tokens", "is not in the vocabulary");
        refused(logits(id, -1), 400, "tokens", "is not in the vocabulary");
        refused(logits(id), 400, "tokens", "is missing or empty");
        refused(post("/v1/checkpoints/" + id + "/logits", Map.of("token", List.of(1))), 400, "token", "is not a field");
        refused(post("/v1/checkpoints/" + id + "/logits", Map.of("tokens", "a b")), 400, "tokens", "wrong type");
        logits("nobody", 1).statusCode(404).body("error.code", equalTo("checkpoint_not_found"));
    }

    @Test
    void aTextIsEvaluatedAsTheFormulasSay() {
        // Given a text of less than a context, and one of several
        String id = imported(Map.of("path", folder.toString()), 201).getString("id");
        for (String text : List.of("Shall I compare thee?", TEXT.repeat(3))) {
            int[] tokens = corpus.bpe().encode(text);

            JsonPath answer = post("/v1/checkpoints/" + id + "/evaluate", Map.of("text", text))
                    .statusCode(200)
                    .extract()
                    .jsonPath();

            double loss = loss(tokens);
            double bits = loss * tokens.length / text.getBytes(StandardCharsets.UTF_8).length / Math.log(2);
            assertThat(answer.getLong("tokens")).isEqualTo(tokens.length - 1);
            assertThat(answer.getDouble("loss")).isCloseTo(loss, within(1e-4));
            assertThat(answer.getDouble("bits_per_byte")).isCloseTo(bits, within(1e-4));
        }
    }

    @Test
    void evaluationsThatCannotBeAreRefusedByName() {
        String path = "/v1/checkpoints/"
                + imported(Map.of("path", folder.toString()), 201).getString("id") + "/evaluate";

        refused(post(path, Map.of()), 400, "text", "either text or dataset");
        refused(post(path, Map.of("text", "a", "dataset", "b")), 400, "text", "either text or dataset");
        refused(post(path, Map.of("text", "")), 400, "text", "at least two");
        refused(post(path, Map.of("text", "a".repeat(1_000_001))), 400, "text", "at most 1,000,000");
        refused(post(path, Map.of("dataset", "unheard-of")), 400, "dataset", "is not known");
        refused(post(path, Map.of("txt", "a")), 400, "txt", "is not a field");
    }

    @Test
    void whatWasTrainedElsewhereOnADatasetOfOursKeepsItsLineageAndGoesOn() {
        // Given a dataset, and weights trained on it elsewhere that came back without a tokenizer
        Dataset dataset = corpus.publish(100);
        cancel(awaitRun(dataset, "pretrain"));
        assertThat(folder.resolve("tokenizer.json").toFile().delete()).isTrue();
        refused(
                post("/v1/checkpoints/import", Map.of("path", folder.toString())),
                400,
                "path",
                "neither tokenizer.json");

        // When they are imported as trained on it
        JsonPath checkpoint =
                imported(Map.of("path", folder.toString(), "name", "cluster", "dataset", dataset.id()), 201);
        String id = checkpoint.getString("id");

        // Then their lineage leads to the text
        assertThat(checkpoint.getString("dataset")).isEqualTo(dataset.id());
        when().get("/v1/checkpoints/" + id + "/lineage")
                .then()
                .statusCode(200)
                .body("imported.name", equalTo("cluster"))
                .body("dataset.corpus_sha256", equalTo(dataset.corpusSha256()))
                .body("dataset.splits[0].ranges[0].topic", equalTo("token-batches"))
                .body("tokenizer.sha256", equalTo(corpus.bpe().sha256()))
                .body("missing", equalTo(List.of()))
                .body("on_disk", equalTo(true));

        // And they are evaluated on its validation split, and trained on
        JsonPath before = post("/v1/checkpoints/" + id + "/evaluate", Map.of("dataset", dataset.id()))
                .statusCode(200)
                .extract()
                .jsonPath();
        assertThat(before.getLong("tokens"))
                .isEqualTo(dataset.split(Split.VALIDATION).orElseThrow().tokens() - 1);
        String run = submit(Map.of(
                "stage",
                "pretrain",
                "dataset",
                dataset.id(),
                "parent",
                id,
                "hyperparameters",
                Map.of("steps", 5, "context_length", CONTEXT, "batch_size", 4)));
        String trained = checkpoint(run).getString("id");
        assertThat(run(run).getDouble("best_validation_loss")).isLessThan(before.getDouble("loss"));
        when().get("/v1/checkpoints/" + trained + "/lineage")
                .then()
                .body("request.hyperparameters.steps", equalTo(5))
                .body("engine.dtype", containsString("float"))
                .body("from[0].relation", equalTo("parent"))
                .body("from[0].imported.name", equalTo("cluster"));
    }

    @Test
    void askingDisturbsNoTraining() {
        // Given a run on one thread that nobody disturbs
        Dataset dataset = corpus.publish(100);
        cancel(awaitRun(dataset, "pretrain"));
        Map<String, Object> body = Map.of(
                "stage",
                "pretrain",
                "dataset",
                dataset.id(),
                "preset",
                "tiny",
                "hyperparameters",
                Map.of("steps", 20, "evaluation_interval", 20, "context_length", 32, "batch_size", 4, "threads", 1));
        String undisturbed = checkpoint(submit(body)).getString("id");

        // When the same is trained while another model is asked all the time
        String other = imported(Map.of("path", folder.toString()), 201).getString("id");
        String run = submit(body);
        await().pollInterval(Duration.ofMillis(10)).atMost(SOON).until(() -> {
            logits(other, tokens(CONTEXT)).statusCode(200);
            return !List.of("queued", "running").contains(run(run).getString("status"));
        });

        // Then it ends with the same weights
        assertThat(checkpoint(run).getString("sha256")).isEqualTo(sha256(undisturbed));
    }

    @Test
    void aDatasetOfAnotherVocabularyIsRefused() {
        try (PublishedCorpus other = new PublishedCorpus(kafka, TEXT.repeat(40), 290)) {
            Dataset dataset = other.publish(100);
            cancel(awaitRun(dataset, "pretrain"));
            refused(
                    post("/v1/checkpoints/import", Map.of("path", folder.toString(), "dataset", dataset.id())),
                    400,
                    "dataset",
                    "was made with tokenizer");
        }
    }

    @Test
    void foldersThatCannotBeAreRefusedByName() throws IOException {
        refusedImport(Map.of(), "path", "is missing");
        refusedImport(Map.of("path", "relative/folder"), "path", "not absolute");
        refusedImport(Map.of("path", temporary.resolve("nowhere").toString()), "path", "is not a folder");
        refusedImport(Map.of("path", folder.resolve("config.json").toString()), "path", "is not a folder");
        refusedImport(Map.of("path", "/a\0b"), "path", "not a path");
        refusedImport(Map.of("path", folder.toString(), "name", "../x"), "name", "is not a name");
        refusedImport(Map.of("path", folder.toString(), "dataset", "unheard-of"), "dataset", "is not known");
        refusedImport(Map.of("path", folder.toString(), "modle", "x"), "modle", "is not a field");
        refusedImport(Map.of("path", temporary.toString()), "path", "no config.json");

        Files.write(folder.resolve("model.safetensors"), new byte[100]);
        refusedImport(Map.of("path", folder.toString()), "path", "not a valid safetensors file");

        assertThat(home.checkpoints()
                        .toFile()
                        .list((parent, name) ->
                                name.startsWith("import-") && new File(parent, name).list().length == 0))
                .isEmpty();
    }

    @Test
    void theTokensOfADatasetAreThoseOfItsManifest() {
        Dataset dataset = corpus.publish(100);
        cancel(awaitRun(dataset, "pretrain"));
        Split split = dataset.split(Split.TRAIN).orElseThrow();

        byte[] tokens = when().get("/v1/datasets/" + dataset.id() + "/tokens/train")
                .then()
                .statusCode(200)
                .contentType("application/octet-stream")
                .extract()
                .asByteArray();

        assertThat(tokens).hasSize((int) (2 * split.tokens()));
        assertThat(HexFormat.of().formatHex(Ids.sha256().digest(tokens))).isEqualTo(split.sha256());
        when().get("/v1/datasets/" + dataset.id() + "/tokens/test").then().statusCode(404);
        when().get("/v1/datasets/nothing/tokens/train").then().statusCode(404);
    }

    @Test
    void lineageOfNothingIsNotFound() {
        when().get("/v1/checkpoints/nobody/lineage").then().statusCode(404);
    }

    private static void refusedImport(Map<String, ?> body, String param, String problem) {
        refused(post("/v1/checkpoints/import", body), 400, param, problem);
    }

    private static void refused(ValidatableResponse response, int status, String param, String problem) {
        response.statusCode(status).body("error.param", equalTo(param)).body("error.message", containsString(problem));
    }

    private static JsonPath imported(Map<String, ?> body, int status) {
        return post("/v1/checkpoints/import", body).statusCode(status).extract().jsonPath();
    }

    private static ValidatableResponse logits(String id, int... tokens) {
        return post("/v1/checkpoints/" + id + "/logits", Map.of("tokens", tokens));
    }

    private static ValidatableResponse post(String path, Map<String, ?> body) {
        return given().contentType("application/json")
                .body(new HashMap<>(body))
                .post(path)
                .then();
    }

    private int[] tokens(int count) {
        return new Random(1).ints(count, 0, corpus.bpe().vocabularySize()).toArray();
    }

    /** The mean of -log p of each next token, in windows of the context, by the formulas. */
    private double loss(int... tokens) {
        double sum = 0;
        for (int start = 0; start < tokens.length - 1; start += CONTEXT) {
            int end = Math.min(start + CONTEXT, tokens.length - 1);
            double[][] logits = model.logits(Arrays.copyOfRange(tokens, start, end));
            for (int t = 0; t < logits.length; t++) {
                double normaliser = 0;
                for (double logit : logits[t]) {
                    normaliser += Math.exp(logit);
                }
                sum += Math.log(normaliser) - logits[t][tokens[start + t + 1]];
            }
        }
        return sum / (tokens.length - 1);
    }

    private List<Checkpoint> announced(String id) {
        return new Broker(kafka)
                .read(Topics.CHECKPOINTS).stream()
                        .filter(checkpoint -> checkpoint.id().equals(id))
                        .toList();
    }

    private static String sha256(String checkpoint) {
        return when().get("/v1/checkpoints/" + checkpoint).jsonPath().getString("sha256");
    }
}

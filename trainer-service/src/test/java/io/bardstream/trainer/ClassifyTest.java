package io.bardstream.trainer;

import static io.bardstream.training.RunsApi.awaitKnown;
import static io.bardstream.training.RunsApi.checkpoint;
import static io.bardstream.training.RunsApi.refused;
import static io.bardstream.training.RunsApi.submit;
import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.hamcrest.Matchers.equalTo;

import io.bardstream.checkpoint.HuggingFaceFormat;
import io.bardstream.checkpoint.ModelConfig;
import io.bardstream.embedded.EmbeddedServices;
import io.bardstream.event.Dataset;
import io.bardstream.event.DatasetKind;
import io.bardstream.service.BardstreamHome;
import io.bardstream.training.PublishedCorpus;
import io.bardstream.training.PublishedInstructions;
import io.bardstream.training.PublishedInstructions.Pair;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.path.json.JsonPath;
import io.restassured.response.ValidatableResponse;
import jakarta.inject.Inject;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A classifier from records on Kafka to labels over HTTP; what it has to tell is whether someone sells something. */
@QuarkusTest
@WithTestResource(EmbeddedServices.class)
class ClassifyTest {
    @Inject
    BardstreamHome home;

    @ConfigProperty(name = "kafka.bootstrap.servers")
    String kafka;

    private PublishedCorpus corpus;
    private Dataset dataset;

    @BeforeEach
    void publish() {
        corpus = new PublishedCorpus(kafka, "Buy now, free! Come home soon, love. Thou art dear. ".repeat(20), 340);
        List<Pair> pairs = IntStream.range(0, 60)
                .mapToObj(i -> i % 2 == 0
                        ? new Pair("Buy " + i + " now, free!", "spam")
                        : new Pair("Come home at " + i + ", love.", "ham"))
                .toList();
        dataset = new PublishedInstructions(corpus)
                .publish(DatasetKind.CLASSIFY, pairs.subList(0, 48), pairs.subList(48, 60));
        awaitKnown(dataset, "classify");
    }

    @AfterEach
    void close() {
        corpus.close();
    }

    @Test
    void learnsToTellLabelsApartAndSaysThem() throws Exception {
        // Given a classifier that was trained for some epochs, on all its weights
        String run = submitted(Map.of("epochs", 6, "batch_size", 8, "patience", 0));
        JsonPath checkpoint = checkpoint(run);

        // Then its measures say so
        assertThat(checkpoint.getString("model")).isEqualTo("bardstream-classifier");
        assertThat(checkpoint.getDouble("metrics.accuracy")).isEqualTo(1);
        assertThat(checkpoint.getDouble("metrics.f1")).isEqualTo(1);
        assertThat(checkpoint.getDouble("metrics.'confusion.ham.ham'")).isEqualTo(6);
        assertThat(checkpoint.getDouble("metrics.'confusion.ham.spam'")).isEqualTo(0);

        // And measured again they are the same
        given().contentType("application/json")
                .body(Map.of("dataset", dataset.id()))
                .post("/v1/checkpoints/" + checkpoint.getString("id") + "/evaluate")
                .then()
                .statusCode(200)
                .body(
                        "tokens",
                        equalTo(12),
                        "labels.accuracy",
                        equalTo(1f),
                        "labels.'confusion.spam.spam'",
                        equalTo(6f));

        // And the folder is one that transformers calls a classifier
        ModelConfig config = HuggingFaceFormat.readConfig(home.checkpoints().resolve(checkpoint.getString("path")));
        assertThat(config.labels()).containsExactly("ham", "spam");

        // When it is asked
        JsonPath labels = classify(Map.of(
                        "checkpoint",
                        checkpoint.getString("id"),
                        "texts",
                        List.of("Buy 99 now, free!", "Come home at 99, love.", "Buy now, free! ".repeat(100))))
                .statusCode(200)
                .extract()
                .jsonPath();

        // Then it answers in order, also of what is longer than its context
        assertThat(labels.getList("labels.label")).containsExactly("spam", "ham", "spam");
        assertThat(labels.getList("labels.probability", Double.class))
                .allSatisfy(probability -> assertThat(probability).isBetween(0.5, 1.0));
    }

    @Test
    void aCheckpointOfAClassifierMayBeTunedOnByItsLastBlock() {
        String first = submitted(Map.of("epochs", 6, "batch_size", 8, "patience", 0));
        JsonPath parent = checkpoint(first);

        String second = submitted(
                Map.of("steps", 1, "tuned", "last_block", "learning_rate", 1e-7),
                Map.of("parent", parent.getString("id")));

        // It begins with the parent's head
        assertThat(checkpoint(second).getDouble("metrics.validation_loss"))
                .isCloseTo(parent.getDouble("metrics.validation_loss"), within(0.01));
    }

    @Test
    void whatCannotWorkIsRefusedByName() {
        refused(body(Map.of("tuned", "half"), Map.of()), "tuned");
        refused(body(Map.of("tuned", "last_block", "optimizer", "muon"), Map.of()), "optimizer");
        refused(body(Map.of(), Map.of("stage", "sft")), "dataset");
        classify(Map.of("texts", List.of("a"))).statusCode(400).body("error.param", equalTo("checkpoint"));
        classify(Map.of("checkpoint", "nobody-000001", "texts", List.of("a")))
                .statusCode(400)
                .body("error.param", equalTo("checkpoint"));
        classify(Map.of("checkpoint", "c", "texts", List.of())).statusCode(400).body("error.param", equalTo("texts"));
        classify(Map.of("checkpoint", "c", "text", "a")).statusCode(400).body("error.param", equalTo("text"));
    }

    private static ValidatableResponse classify(Map<String, ?> body) {
        return given().contentType("application/json")
                .body(body)
                .post("/v1/classify")
                .then();
    }

    private Map<String, Object> body(Map<String, ?> hyperparameters, Map<String, ?> more) {
        Map<String, Object> body = new HashMap<>(Map.of(
                "stage", "classify", "dataset", dataset.id(), "preset", "tiny", "hyperparameters", hyperparameters));
        body.putAll(more);
        return body;
    }

    private String submitted(Map<String, ?> hyperparameters) {
        return submitted(hyperparameters, Map.of());
    }

    private String submitted(Map<String, ?> hyperparameters, Map<String, ?> more) {
        return submit(body(hyperparameters, more));
    }
}

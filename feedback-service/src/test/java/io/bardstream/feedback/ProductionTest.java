package io.bardstream.feedback;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;

import io.bardstream.embedded.Broker;
import io.bardstream.embedded.EmbeddedServices;
import io.bardstream.event.EventJson;
import io.bardstream.event.Generation;
import io.bardstream.event.GenerationRequest.Format;
import io.bardstream.event.Preference;
import io.bardstream.event.Topics;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.http.ContentType;
import io.restassured.response.ValidatableResponse;
import jakarta.inject.Inject;
import jakarta.persistence.EntityManager;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Judgements on what was served over HTTP, and how long that is kept. */
@QuarkusTest
@QuarkusTestResource(EmbeddedServices.class)
class ProductionTest {
    @ConfigProperty(name = "kafka.bootstrap.servers")
    String bootstrapServers;

    @Inject
    EntityManager database;

    @Inject
    Retention retention;

    private final String id = "cmpl-" + UUID.randomUUID();
    private Broker broker;

    @BeforeEach
    void nothingJudged() {
        broker = new Broker(bootstrapServers);
        Given.nothingJudged(database);
    }

    @Test
    void aCorrectedTextMakesAPairWithTheOneThatWasServed() {
        // Given
        served(id, Instant.now());

        // When
        Map<String, Object> feedback =
                Map.of("annotator", "ann", "correction", "O Romeo \u0000", "comment", "spelling");
        feedback(id, feedback).statusCode(201).body("correction", equalTo("O Romeo \u0000"));
        feedback(id, feedback).statusCode(200);

        // Then
        assertThat(published()).singleElement().satisfies(fact -> {
            assertThat(chosen(fact)).isEqualTo("O Romeo \u0000");
            assertThat(rejected(fact)).isEqualTo("o rmeo");
            assertThat(fact.prompt()).isEqualTo("ROMEO:");
            assertThat(fact.format()).isEqualTo(Format.RAW);
            assertThat(fact.comment()).isEqualTo("spelling");
            assertThat(List.of(id)).contains(fact.generationA() == null ? fact.generationB() : fact.generationA());
        });
        assertThat(lines("preferences.jsonl", Judged.Decided.class))
                .singleElement()
                .satisfies(line -> assertThat(line.rejectedGeneration()).isEqualTo(id));
        given().queryParam("annotator", "bob")
                .get("/v1/comparisons/next")
                .then()
                .statusCode(204);
    }

    @Test
    void aLaterCorrectionTakesThePlaceOfTheOneBefore() {
        // Given
        served(id, Instant.now());

        // When: and back again
        for (String correction : List.of("one", "two", "one")) {
            feedback(id, Map.of("annotator", "ann", "correction", correction)).statusCode(201);
        }

        // Then
        List<Preference> facts = published();
        assertThat(facts).extracting(ProductionTest::chosen).containsExactly("one", "two", "one");
        assertThat(facts)
                .extracting(Preference::supersedes)
                .containsExactly(null, facts.get(0).id(), facts.get(1).id());
        assertThat(lines("preferences.jsonl", Judged.Decided.class))
                .extracting(Judged.Decided::chosen)
                .containsExactly("one");
    }

    @Test
    void thumbsAreALabelOfOneText() {
        // Given
        served(id, Instant.now());

        // When
        feedback(id, Map.of("annotator", "ann", "thumbs", "up")).statusCode(201).body("thumbs", equalTo("up"));
        feedback(id, Map.of("annotator", "ann", "thumbs", "up")).statusCode(200);
        feedback(id, Map.of("annotator", "ann", "thumbs", "down")).statusCode(201);
        feedback(id, Map.of("annotator", "bob", "thumbs", "up")).statusCode(201);

        // Then
        List<Export.Thumbed> lines = lines("thumbs.jsonl", Export.Thumbed.class);
        assertThat(lines).extracting(Export.Thumbed::label).containsExactly(false, true);
        assertThat(lines).extracting(Export.Thumbed::completion).containsOnly("o rmeo");
        assertThat(published()).isEmpty();
    }

    @Test
    void whatIsWrongIsNamed() {
        served(id, Instant.now());

        feedback(id, Map.of("annotator", "ann")).statusCode(400).body("error.param", equalTo("thumbs"));
        feedback(id, Map.of("annotator", "ann", "thumbs", "sideways"))
                .statusCode(400)
                .body("error.param", equalTo("thumbs"));
        feedback(id, Map.of("thumbs", "up")).statusCode(400).body("error.param", equalTo("annotator"));
        feedback(id, Map.of("annotator", "ann", "correction", "o rmeo"))
                .statusCode(400)
                .body("error.param", equalTo("correction"));
        feedback(id, Map.of("annotator", "ann", "correction", "x".repeat(50_001)))
                .statusCode(400)
                .body("error.param", equalTo("correction"));
        feedback(id, Map.of("annotator", "ann", "thumbs", "up", "comment", "x".repeat(2_001)))
                .statusCode(400)
                .body("error.param", equalTo("comment"));
        feedback(id, Map.of("annotator", "ann", "correction", "x".repeat(2_000_000)))
                .statusCode(413)
                .body("error.param", equalTo("body"), "error.message", containsString("max-json-size"));
        feedback("cmpl-nothing", Map.of("annotator", "ann", "thumbs", "up"))
                .statusCode(404)
                .body("error.code", equalTo("generation_not_found"));
    }

    @Test
    void whatWasServedOverHttpGoesAfterThirtyDaysHereAndOnTheTopic() {
        // Given
        Instant now = Instant.now();
        String old = "cmpl-old-" + UUID.randomUUID();
        String asked = "generation-" + UUID.randomUUID();
        served(id, now.minus(Duration.ofDays(29)));
        served(old, now.minus(Duration.ofDays(30)));
        served(old + "-1", old, now.minus(Duration.ofDays(30)));
        served(asked, "pool-request", now.minus(Duration.ofDays(300)));

        // When
        retention.letGo();

        // Then
        await().atMost(Duration.ofMinutes(2)).untilAsserted(() -> {
            assertThat(newest(old)).isNull();
            assertThat(newest(old + "-1")).isNull();
        });
        given().get("/v1/generations/" + old).then().statusCode(404);
        given().get("/v1/generations/" + id).then().statusCode(200);
        given().get("/v1/generations/" + asked).then().statusCode(200);
        assertThat(newest(id)).isNotNull();
        assertThat(newest(asked)).isNotNull();
    }

    private void served(String generation, Instant at) {
        served(generation, generation, at);
    }

    private void served(String generation, String request, Instant at) {
        broker.publish(
                Topics.GENERATIONS,
                generation,
                new Generation(
                        generation,
                        request,
                        "ROMEO:",
                        Format.RAW,
                        "o rmeo",
                        "c1",
                        Given.SHA256,
                        Given.SHA256,
                        Map.of(),
                        1,
                        "stop",
                        at));
        await().atMost(Duration.ofMinutes(2))
                .until(() ->
                        QuarkusTransaction.requiringNew().call(() -> StoredGeneration.count("id", generation)) == 1);
    }

    private byte[] newest(String generation) {
        List<ConsumerRecord<String, byte[]>> records = broker.records(Topics.GENERATIONS.name()).stream()
                .filter(record -> record.key().equals(generation))
                .toList();
        return records.get(records.size() - 1).value();
    }

    private static ValidatableResponse feedback(String generation, Map<String, Object> feedback) {
        return given().contentType(ContentType.JSON)
                .body(feedback)
                .post("/v1/generations/{id}/feedback", generation)
                .then();
    }

    private List<Preference> published() {
        Given.published();
        return broker.read(Topics.PREFERENCES).stream()
                .filter(fact -> id.equals(fact.generationA()) || id.equals(fact.generationB()))
                .toList();
    }

    private static String chosen(Preference fact) {
        return fact.choice() == Preference.Choice.A ? fact.a() : fact.b();
    }

    private static String rejected(Preference fact) {
        return fact.choice() == Preference.Choice.A ? fact.b() : fact.a();
    }

    private static <T> List<T> lines(String file, Class<T> type) {
        String text =
                given().get("/v1/" + file).then().statusCode(200).extract().asString();
        return Arrays.stream(text.split("\n"))
                .map(line -> EventJson.read(line.getBytes(StandardCharsets.UTF_8), type))
                .toList();
    }
}

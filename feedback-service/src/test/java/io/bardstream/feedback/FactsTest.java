package io.bardstream.feedback;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.hamcrest.Matchers.equalTo;

import io.bardstream.embedded.Broker;
import io.bardstream.embedded.EmbeddedServices;
import io.bardstream.event.Checkpoint;
import io.bardstream.event.Generation;
import io.bardstream.event.Promotion;
import io.bardstream.event.Score;
import io.bardstream.event.Topics;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Callable;
import org.awaitility.core.ThrowingRunnable;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What is heard on the topics is kept once and whole, over the real broker and database. */
@QuarkusTest
@Tag("containers")
@QuarkusTestResource(EmbeddedServices.class)
class FactsTest {
    @ConfigProperty(name = "kafka.bootstrap.servers")
    String bootstrapServers;

    @Inject
    Facts facts;

    private Broker broker;
    private String id;

    @BeforeEach
    void namesOfItsOwn() {
        broker = new Broker(bootstrapServers);
        id = "t" + UUID.randomUUID();
    }

    @Test
    void aGenerationIsKeptAsItWasWhateverItsTextHolds() {
        // Given
        Generation generation = Given.generation(id, "O\u0000 \uD83D\uDC80 \u2026 \"quoted\"\n\\u0000");

        // When
        broker.publish(Topics.GENERATIONS, id, generation);

        // Then
        eventually(() -> assertThat(stored(() -> StoredGeneration.<StoredGeneration>findById(id)))
                .isNotNull()
                .extracting(StoredGeneration::generation)
                .isEqualTo(generation));
    }

    @Test
    void aGenerationIsFoundByItsIdUntilItIsErased() {
        broker.publish(Topics.GENERATIONS, id, Given.generation(id, "But soft"));
        eventually(() -> given().get("/v1/generations/" + id)
                .then()
                .statusCode(200)
                .body("text", equalTo("But soft"))
                .body("checkpoint", equalTo("c1")));

        broker.publish(Topics.GENERATIONS, id, (byte[]) null);

        eventually(() -> given().get("/v1/generations/" + id)
                .then()
                .statusCode(404)
                .body("error.code", equalTo("generation_not_found")));
    }

    @Test
    void whatComesTwiceIsKeptOnce() {
        // Given
        Generation generation = Given.generation(id, "first");
        Promotion promotion = new Promotion(Checkpoint.POLICY, id, null, "It is the first.", Map.of(), Given.NOON);

        // When
        broker.publish(Topics.GENERATIONS, id, generation);
        broker.publish(Topics.GENERATIONS, id, Given.generation(id, "second"));
        broker.publish(Topics.CHECKPOINTS, id, Given.checkpoint(id, 3.5));
        broker.publish(Topics.CHECKPOINTS, id, Given.checkpoint(id, 3.5));
        broker.publish(Topics.PROMOTIONS, Checkpoint.POLICY, promotion);
        broker.publish(Topics.PROMOTIONS, Checkpoint.POLICY, promotion);
        broker.publish(Topics.SCORES, id, new Score(id, "r1", 0.5, Given.NOON));
        broker.publish(Topics.SCORES, id, new Score(id, "r1", 0.75, Given.NOON));
        broker.publish(Topics.SCORES, id, new Score(id, "r2", -1, Given.NOON));
        awaitAllRead();

        // Then
        eventually(() -> {
            assertThat(stored(() ->
                            StoredGeneration.<StoredGeneration>findById(id).generation()))
                    .isEqualTo(generation);
            assertThat(stored(() -> StoredCheckpoint.count("id", id))).isEqualTo(1);
            assertThat(stored(() -> StoredPromotion.count("checkpoint", id)))
                    .as("two records of the topic")
                    .isEqualTo(2);
            assertThat(stored(() -> StoredScore.<StoredScore>list("generationId = ?1 order by rewardModel", id)))
                    .extracting(score -> score.value)
                    .containsExactly(0.75, -1.0);
        });
    }

    @Test
    void recordsThatAreReadAgainChangeNothing() {
        // Given
        Promotion promotion = new Promotion(Checkpoint.POLICY, id, null, "It is the first.", Map.of(), Given.NOON);
        broker.publish(Topics.PROMOTIONS, Checkpoint.POLICY, promotion);
        eventually(() -> assertThat(stored(() -> StoredPromotion.count("checkpoint", id)))
                .isEqualTo(1));
        long offset = stored(
                () -> StoredPromotion.<StoredPromotion>find("checkpoint", id).firstResult().topicOffset);

        // When
        facts.store(promotion, offset);

        // Then
        assertThat(stored(() -> StoredPromotion.count("checkpoint", id))).isEqualTo(1);
    }

    @Test
    void aCheckpointAnnouncedAnewIsTheNewOne() {
        // When
        broker.publish(Topics.CHECKPOINTS, id, Given.checkpoint(id, 3.5));
        broker.publish(Topics.CHECKPOINTS, id, Given.checkpoint(id, 3.25));

        // Then
        eventually(() -> assertThat(stored(() -> StoredCheckpoint.<StoredCheckpoint>findById(id)))
                .isNotNull()
                .extracting(row -> row.fact)
                .asString()
                .contains("3.25"));
    }

    @Test
    void anErasedGenerationIsGone() {
        // Given
        broker.publish(Topics.GENERATIONS, id, Given.generation(id, "private"));
        eventually(
                () -> assertThat(stored(() -> StoredGeneration.count("id", id))).isEqualTo(1));

        // When
        broker.publish(Topics.GENERATIONS, id, (byte[]) null);

        // Then
        eventually(
                () -> assertThat(stored(() -> StoredGeneration.count("id", id))).isZero());
    }

    @Test
    void recordsThatAreNoneBecomeDeadLettersAndTheServiceGoesOn() {
        // Given
        String poison = "no JSON " + id;

        // When
        for (var topic : List.of(Topics.GENERATIONS, Topics.CHECKPOINTS, Topics.PROMOTIONS, Topics.SCORES)) {
            broker.publish(topic, id, poison.getBytes(StandardCharsets.UTF_8));
        }
        broker.publish(Topics.GENERATIONS, id, "{\"id\":\"\"}".getBytes(StandardCharsets.UTF_8));
        broker.publish(Topics.GENERATIONS, id, Given.generation(id, "good"));
        awaitAllRead();

        // Then
        eventually(() -> {
            assertThat(stored(() -> StoredGeneration.count("id", id))).isEqualTo(1);
            assertThat(broker.deadLetters(Topics.GENERATIONS)).contains(poison, "{\"id\":\"\"}");
            assertThat(broker.deadLetters(Topics.CHECKPOINTS)).contains(poison);
            assertThat(broker.deadLetters(Topics.PROMOTIONS)).contains(poison);
            assertThat(broker.deadLetters(Topics.SCORES)).contains(poison);
        });
        given().get("/q/health/ready").then().statusCode(200);
    }

    /** One record more on each topic has arrived, so all before it have. */
    private void awaitAllRead() {
        String last = "last-" + id;
        broker.publish(Topics.CHECKPOINTS, last, Given.checkpoint(last, 1));
        broker.publish(
                Topics.PROMOTIONS,
                Checkpoint.POLICY,
                new Promotion(Checkpoint.POLICY, last, null, "It is the last.", Map.of(), Given.NOON));
        broker.publish(Topics.SCORES, last, new Score(last, "r", 0, Given.NOON));
        eventually(() -> {
            assertThat(stored(() -> StoredCheckpoint.count("id", last))).isEqualTo(1);
            assertThat(stored(() -> StoredPromotion.count("checkpoint", last))).isEqualTo(1);
            assertThat(stored(() -> StoredScore.count("generationId", last))).isEqualTo(1);
        });
    }

    private static <T> T stored(Callable<T> query) {
        return QuarkusTransaction.requiringNew().call(query);
    }

    private static void eventually(ThrowingRunnable assertion) {
        await().atMost(Duration.ofMinutes(2)).untilAsserted(assertion);
    }
}

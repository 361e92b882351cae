package io.bardstream.feedback;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.bardstream.embedded.Broker;
import io.bardstream.embedded.EmbeddedServices;
import io.bardstream.event.Checkpoint;
import io.bardstream.event.Dataset;
import io.bardstream.event.DatasetKind;
import io.bardstream.event.EventJson;
import io.bardstream.event.Hyperparameters;
import io.bardstream.event.Preference.Choice;
import io.bardstream.event.Stage;
import io.bardstream.event.Topics;
import io.bardstream.event.Topics.Topic;
import io.bardstream.event.TrainingRequest;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import jakarta.persistence.EntityManager;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Callable;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What somebody wants gone is gone: rows, outbox, topics; and who learned from it is named. */
@QuarkusTest
@QuarkusTestResource(EmbeddedServices.class)
class ErasureTest {
    @ConfigProperty(name = "kafka.bootstrap.servers")
    String bootstrapServers;

    @Inject
    EntityManager database;

    @Inject
    Votes votes;

    @Inject
    Facts facts;

    private final String run = UUID.randomUUID().toString();
    private Broker broker;

    @BeforeEach
    void nothingJudged() {
        broker = new Broker(bootstrapServers);
        Given.nothingJudged(database);
    }

    @Test
    void anAnnotatorIsErasedAndOthersStay() {
        // Given: two judge one pair, ann changes her mind; ann brings a pair of her own
        String pair = Given.pairs(1, 2).get(0);
        String ann = "ann-" + run.substring(0, 8);
        String first = votes.cast(pair, ann, Choice.A, "my secret", false).vote().id;
        String second = votes.cast(pair, ann, Choice.B, "my secret", true).vote().id;
        String other = votes.cast(pair, "bob", Choice.A, null, false).vote().id;
        given().contentType("application/jsonl")
                .body("{\"prompt\":\"p-%s\",\"chosen\":\"x\",\"rejected\":\"y\",\"annotator\":\"%s\"}\n"
                        .formatted(run, ann)
                        .getBytes(StandardCharsets.UTF_8))
                .post("/v1/preferences")
                .then()
                .statusCode(201);
        Given.published();

        // When
        Erasure.Erased erased = erased("/v1/annotators/" + ann);

        // Then
        assertThat(erased.votes()).isEqualTo(3);
        assertThat(erased.comparisons()).isEqualTo(1);
        Given.published();
        Map<String, byte[]> topic = newest(Topics.PREFERENCES);
        assertThat(topic.get(first)).isNull();
        assertThat(topic.get(second)).isNull();
        assertThat(topic).containsKeys(first, second);
        assertThat(topic.get(other)).isNotNull();
        assertThat(stored(() -> Vote.<Vote>listAll()))
                .extracting(vote -> vote.id)
                .containsExactly(other);
        assertThat(stored(() -> Comparison.<Comparison>listAll()))
                .singleElement()
                .satisfies(left -> {
                    assertThat(left.id).isEqualTo(pair);
                    assertThat(left.judgements).isEqualTo(1);
                    assertThat(left.state).as("the seat is free again").isEqualTo(Comparison.State.OPEN);
                });
        assertThat(stored(() -> Annotator.count("id", ann))).isZero();
        given().delete("/v1/annotators/" + ann).then().statusCode(404);
    }

    @Test
    void textThatWasAnnouncedStaysInNoOutboxAndTextThatWasNotIsNeverSent() {
        // Given
        List<String> pairs = Given.pairs(2);
        String ann = "ann-" + run.substring(0, 8);
        votes.cast(pairs.get(0), ann, Choice.A, "announced " + run, false);
        Given.published();
        assertThat(stored(() -> OutboxRecord.count("fact like ?1", "%announced " + run + "%")))
                .isZero();

        // When: nobody wakes the outbox before the erasure
        Erasure.Erased erased = QuarkusTransaction.requiringNew().call(() -> {
            Locks.take(Locks.PUBLISHING, database.unwrap(org.hibernate.Session.class)); // nothing is sent meanwhile
            QuarkusTransaction.requiringNew()
                    .run(() -> votes.cast(pairs.get(1), ann, Choice.A, "waiting " + run, false));
            return erased("/v1/annotators/" + ann);
        });

        // Then
        Given.published();
        assertThat(erased.votes()).isEqualTo(2);
        assertThat(broker.records(Topics.PREFERENCES.name()))
                .filteredOn(record -> record.value() != null)
                .noneMatch(record -> new String(record.value(), StandardCharsets.UTF_8).contains("waiting " + run));
    }

    @Test
    void aPromptIsErasedWithItsTextsPairsAndVotes() {
        // Given
        String text = "Prompt of " + run;
        String id = given().contentType("application/json")
                .body(Map.of("text", text))
                .post("/v1/prompts")
                .then()
                .statusCode(201)
                .extract()
                .path("id");
        String http = "cmpl-" + run;
        broker.publish(Topics.GENERATIONS, http, Given.generation(http, http, text, "served", "c1"));
        PoolRequest asked = new PoolRequest();
        asked.id = "pool-" + run;
        asked.prompt = id;
        asked.attempt = 1;
        asked.state = PoolRequest.State.ASKED;
        asked.askedAt = Given.NOON;
        stored(() -> {
            asked.persist();
            return asked;
        });
        String pair = Given.pairs(1).get(0);
        stored(() -> Comparison.update("prompt = ?1 where id = ?2", id, pair));
        String vote = votes.cast(pair, "bob", Choice.A, null, false).vote().id;
        await().atMost(Duration.ofMinutes(2)).until(() -> stored(() -> StoredGeneration.count("id", http)) == 1);
        Given.published();

        // When
        Erasure.Erased erased = erased("/v1/prompts/" + id);
        String late = "generation-" + run;
        facts.store(Given.generation(late, asked.id, text, "late", "c1"));

        // Then
        assertThat(erased.votes()).isEqualTo(1);
        assertThat(erased.comparisons()).isEqualTo(1);
        assertThat(erased.generations()).as("the served one and the pair's two").isEqualTo(3);
        Given.published();
        Map<String, byte[]> generations = newest(Topics.GENERATIONS);
        assertThat(generations).containsKeys(http, late);
        assertThat(generations.get(http)).isNull();
        assertThat(generations.get(late)).isNull();
        assertThat(newest(Topics.PREFERENCES).get(vote)).isNull();
        assertThat(stored(() -> StoredGeneration.count("prompt", id))).isZero();
        assertThat(stored(() -> Comparison.count("prompt", id))).isZero();
        assertThat(stored(() -> Prompt.count("id", id))).isZero();
        given().delete("/v1/prompts/nothing-" + run).then().statusCode(404);
    }

    @Test
    void whoLearnedFromAVoteIsNamed() {
        // Given: a vote, and a reward model of all votes so far, one of those before, a policy that each taught
        List<String> pairs = Given.pairs(2);
        votes.cast(pairs.get(0), "bob", Choice.A, null, false);
        Given.published();
        long before = broker.records(Topics.PREFERENCES.name()).size();
        String ann = "ann-" + run.substring(0, 8);
        votes.cast(pairs.get(1), ann, Choice.A, null, false);
        Given.published();
        long after = end();
        trained("early", Stage.REWARD, dataset("early", before), null, null);
        trained("judge", Stage.REWARD, dataset("late", after), null, null);
        trained("calm", Stage.PPO, null, "early", null);
        trained("policy", Stage.PPO, null, "judge", null);
        trained("next", Stage.PPO, null, "early", "policy");

        // When
        Erasure.Erased erased = erased("/v1/annotators/" + ann);

        // Then
        assertThat(erased.checkpoints())
                .extracting(Erasure.Trained::id)
                .containsExactlyInAnyOrder("judge-" + run, "policy-" + run, "next-" + run);
    }

    private long end() {
        List<ConsumerRecord<String, byte[]>> records = broker.records(Topics.PREFERENCES.name());
        return records.get(records.size() - 1).offset() + 1;
    }

    private String dataset(String name, long end) {
        Dataset dataset = new Dataset(
                name + "-" + run,
                DatasetKind.PROMPT,
                Given.SHA256,
                "tokenizer",
                Given.SHA256,
                256,
                List.of(new Dataset.Split(
                        "train", 0, 0, 1, Given.SHA256, List.of(new Dataset.Range("preferences", 0, 0, end)))),
                Given.NOON);
        broker.publish(Topics.DATASETS, dataset.id(), dataset);
        return dataset.id();
    }

    /** A checkpoint, of a run of its own. */
    private void trained(String name, Stage stage, String dataset, String judge, String parent) {
        String id = name + "-" + run;
        TrainingRequest request = new TrainingRequest(
                "run-" + id,
                stage,
                dataset == null ? "prompts" : dataset,
                "tiny",
                parent == null ? null : parent + "-" + run,
                judge == null ? null : judge + "-" + run,
                Hyperparameters.DEFAULTS,
                1,
                null,
                null,
                TrainingRequest.CURRICULUM,
                Given.NOON,
                stage == Stage.PPO ? List.of("ROMEO:") : null,
                null);
        broker.publish(Topics.TRAINING_REQUESTS, request.runId(), request);
        facts.store(new Checkpoint(
                id,
                Checkpoint.POLICY,
                stage,
                request.parent(),
                request.runId(),
                TrainingRequest.CURRICULUM,
                1,
                request.dataset(),
                Given.SHA256,
                "run/" + id,
                Given.SHA256,
                Map.of(),
                Given.NOON));
    }

    private static Erasure.Erased erased(String path) {
        return EventJson.read(
                given().delete(path).then().statusCode(200).extract().asByteArray(), Erasure.Erased.class);
    }

    /** What stands under each key; null where it was erased. */
    private Map<String, byte[]> newest(Topic<?> topic) {
        Map<String, byte[]> newest = new HashMap<>();
        broker.records(topic.name()).forEach(record -> newest.put(record.key(), record.value()));
        return newest;
    }

    private static <T> T stored(Callable<T> query) {
        return QuarkusTransaction.requiringNew().call(query);
    }
}

package io.bardstream.feedback;

import static org.awaitility.Awaitility.await;

import io.bardstream.event.Checkpoint;
import io.bardstream.event.Generation;
import io.bardstream.event.GenerationRequest;
import io.bardstream.event.Preference;
import io.bardstream.event.Stage;
import io.quarkus.arc.Arc;
import io.quarkus.narayana.jta.QuarkusTransaction;
import jakarta.persistence.EntityManager;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;
import org.hibernate.Session;

/** Facts for the tests, ordinary but for what a test is about. */
final class Given {
    static final Instant NOON = Instant.parse("2026-11-01T12:00:00Z");
    static final String SHA256 = "0123456789abcdef".repeat(4);

    private Given() {}

    static Generation generation(String id, String text) {
        return generation(id, "request", "ROMEO:", text, "c1");
    }

    static Generation generation(String id, String request, String prompt, String text, String checkpoint) {
        return new Generation(
                id,
                request,
                prompt,
                GenerationRequest.Format.RAW,
                text,
                checkpoint,
                SHA256,
                SHA256,
                Map.of("temperature", 0.5),
                42,
                "length",
                NOON);
    }

    static Checkpoint checkpoint(String id, double validationLoss) {
        return checkpoint(id, Stage.PRETRAIN, validationLoss, NOON);
    }

    static Checkpoint checkpoint(String id, Stage stage, Instant at) {
        return checkpoint(id, stage, 3.5, at);
    }

    private static Checkpoint checkpoint(String id, Stage stage, double validationLoss, Instant at) {
        return new Checkpoint(
                id,
                Checkpoint.POLICY,
                stage,
                null,
                "run",
                "curriculum",
                100,
                "dataset",
                SHA256,
                "run/" + id,
                SHA256,
                Map.of(Checkpoint.VALIDATION_LOSS, validationLoss),
                at);
    }

    static Preference preference(String id) {
        return new Preference(
                id,
                "comparison",
                "annotator",
                Preference.Choice.A,
                null,
                "ROMEO:",
                GenerationRequest.Format.RAW,
                "a",
                "b",
                null,
                null,
                null,
                null,
                null,
                NOON);
    }

    static GenerationRequest generationRequest(String id) {
        return new GenerationRequest(
                id,
                "ROMEO:",
                GenerationRequest.Format.RAW,
                List.of(new GenerationRequest.Candidate("c1", Map.of(), 1)),
                NOON);
    }

    /** The policy that {@link #pair} gives texts of serves, and nobody has judged anything. */
    static void nothingJudged(EntityManager database) {
        nothingJudged(database, "c1");
    }

    /**
     * This policy serves, and nothing was asked of it or judged; prompts are the bundled ones; the pool stands still
     * meanwhile.
     */
    static void nothingJudged(EntityManager database, String promoted) {
        QuarkusTransaction.requiringNew().run(() -> {
            Locks.take(Locks.STOCKING, database.unwrap(Session.class));
            for (String table : List.of("vote", "comparison", "generation_request", "score", "checkpoint", "thumb")) {
                database.createNativeQuery("delete from feedback." + table).executeUpdate();
            }
            database.createNativeQuery("delete from feedback.prompt where origin = 'PERSON'")
                    .executeUpdate();
            promote(promoted, NOON);
        });
    }

    /** A promotion newer than any that other tests put on the topic. */
    static void promoted(String checkpoint, Instant at) {
        QuarkusTransaction.requiringNew().run(() -> promote(checkpoint, at));
    }

    private static void promote(String checkpoint, Instant at) {
        StoredPromotion promotion = new StoredPromotion();
        promotion.topicOffset = FAR_OFF + StoredPromotion.count();
        promotion.model = Checkpoint.POLICY;
        promotion.checkpoint = checkpoint;
        promotion.fact = "{}";
        promotion.at = at;
        promotion.persist();
    }

    /** An offset that the topic does not reach in a test. */
    private static final long FAR_OFF = 1_000_000;

    /** Waits until all that is to be announced has been, without waiting for the outbox to look by itself. */
    static void published() {
        Arc.container().instance(Outbox.class).get().wake();
        await().atMost(Duration.ofMinutes(2)).until(() -> QuarkusTransaction.requiringNew()
                .call(() -> OutboxRecord.count("announcedAt is null") == 0));
    }

    static void sql(EntityManager database, String statement) {
        QuarkusTransaction.requiringNew()
                .run(() -> database.createNativeQuery(statement).executeUpdate());
    }

    /** Open pairs of two texts each, the oldest first. */
    static List<String> pairs(int count) {
        return pairs(count, 1);
    }

    /** Open pairs about which so many people are asked. */
    static List<String> pairs(int count, int annotators) {
        return QuarkusTransaction.requiringNew().call(() -> IntStream.range(0, count)
                .mapToObj(number -> pair(number, annotators))
                .toList());
    }

    private static String pair(int number, int annotators) {
        String id = "comparison-" + UUID.randomUUID();
        return pair(id, number, annotators, new Comparison.Texts("ROMEO:", "first of " + id, "second of " + id));
    }

    /** An open pair of these texts. */
    static String pair(String prompt, String first, String second) {
        String id = "comparison-" + UUID.randomUUID();
        return QuarkusTransaction.requiringNew()
                .call(() -> pair(id, 0, 1, new Comparison.Texts(prompt, first, second)));
    }

    private static String pair(String id, int number, int annotators, Comparison.Texts texts) {
        Comparison comparison = new Comparison();
        comparison.id = id;
        comparison.origin = Comparison.Origin.POOL;
        comparison.format = GenerationRequest.Format.RAW;
        comparison.prompt = Prompt.idOf(texts.prompt());
        comparison.texts = Facts.json(texts);
        comparison.firstGeneration = "g-first-of-" + id;
        comparison.secondGeneration = "g-second-of-" + id;
        comparison.firstCheckpoint = "c1";
        comparison.secondCheckpoint = "c1";
        comparison.state = Comparison.State.OPEN;
        comparison.annotators = annotators;
        comparison.createdAt = NOON.plusSeconds(number);
        comparison.persist();
        return comparison.id;
    }

    /** Gives a pair other texts. */
    static void rewritten(String comparison, Comparison.Texts texts) {
        QuarkusTransaction.requiringNew()
                .run(() -> Comparison.update("texts = ?1 where id = ?2", Facts.json(texts), comparison));
    }

    /** What a reward model thinks of a pair's texts. */
    static void scores(String comparison, double first, double second) {
        QuarkusTransaction.requiringNew().run(() -> {
            Comparison pair = Comparison.findById(comparison);
            score(pair.firstGeneration, first);
            score(pair.secondGeneration, second);
        });
    }

    private static void score(String generation, double value) {
        StoredScore score = new StoredScore();
        score.generationId = generation;
        score.rewardModel = "reward-1";
        score.value = value;
        score.at = NOON;
        score.persist();
    }
}

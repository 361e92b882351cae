package io.bardstream.feedback;

import io.bardstream.event.Checkpoint;
import io.bardstream.event.Generation;
import io.bardstream.event.GenerationRequest;
import io.bardstream.event.Preference;
import io.bardstream.event.Stage;
import io.quarkus.narayana.jta.QuarkusTransaction;
import jakarta.persistence.EntityManager;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;

/** Facts for the tests, ordinary but for what a test is about. */
final class Given {
    static final Instant NOON = Instant.parse("2026-11-23T12:00:00Z");
    static final String SHA256 = "0123456789abcdef".repeat(4);

    private Given() {}

    static Generation generation(String id, String text) {
        return new Generation(
                id, "request", "ROMEO:", text, "c1", SHA256, SHA256, Map.of("temperature", 0.5), 42, "length", NOON);
    }

    static Checkpoint checkpoint(String id, double validationLoss) {
        return new Checkpoint(
                id,
                Checkpoint.POLICY,
                Stage.PRETRAIN,
                null,
                "run",
                "curriculum",
                100,
                "dataset",
                SHA256,
                "run/" + id,
                SHA256,
                Map.of(Checkpoint.VALIDATION_LOSS, validationLoss),
                NOON);
    }

    static Preference preference(String id) {
        return new Preference(
                id,
                "comparison",
                "annotator",
                Preference.Choice.A,
                null,
                "ROMEO:",
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

    /** Empties what people gave, so that a test sees its own pairs only. */
    static void nothingJudged(EntityManager database) {
        sql(database, "delete from feedback.vote");
        sql(database, "delete from feedback.comparison");
        sql(database, "delete from feedback.score");
    }

    static void sql(EntityManager database, String statement) {
        QuarkusTransaction.requiringNew()
                .run(() -> database.createNativeQuery(statement).executeUpdate());
    }

    /** Open pairs of two texts each, the oldest first. */
    static List<String> pairs(int count) {
        return QuarkusTransaction.requiringNew()
                .call(() -> IntStream.range(0, count).mapToObj(Given::pair).toList());
    }

    private static String pair(int number) {
        Comparison comparison = new Comparison();
        comparison.id = "comparison-" + UUID.randomUUID();
        comparison.origin = Comparison.Origin.POOL;
        comparison.prompt = Prompt.idOf("ROMEO:");
        String first = "first of " + comparison.id;
        String second = "second of " + comparison.id;
        comparison.texts = Facts.json(new Comparison.Texts("ROMEO:", first, second));
        comparison.firstGeneration = "g-" + first.replace(' ', '-');
        comparison.secondGeneration = "g-" + second.replace(' ', '-');
        comparison.firstCheckpoint = "c1";
        comparison.secondCheckpoint = "c1";
        comparison.state = Comparison.State.OPEN;
        comparison.createdAt = NOON.plusSeconds(number);
        comparison.persist();
        return comparison.id;
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

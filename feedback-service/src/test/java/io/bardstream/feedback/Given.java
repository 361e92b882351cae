package io.bardstream.feedback;

import io.bardstream.event.Checkpoint;
import io.bardstream.event.Generation;
import io.bardstream.event.GenerationRequest;
import io.bardstream.event.Preference;
import io.bardstream.event.Stage;
import java.time.Instant;
import java.util.List;
import java.util.Map;

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
}

package io.bardstream.reward;

import io.bardstream.event.Checkpoint;
import io.bardstream.event.Dataset;
import io.bardstream.event.DatasetKind;
import io.bardstream.event.Promotion;
import io.bardstream.event.Stage;
import io.bardstream.event.TrainingRequest;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/** Facts for the tests, ordinary but for what a test is about. */
final class Given {
    static final Instant NOON = Instant.parse("2026-11-23T12:00:00Z");
    static final String SHA256 = "0123456789abcdef".repeat(4);

    private Given() {}

    static Dataset dataset(String id, Instant at) {
        return new Dataset(
                id,
                DatasetKind.PRETRAIN,
                SHA256,
                "bpe",
                SHA256,
                1024,
                List.of(new Dataset.Split("train", 0, 0, 0, SHA256, List.of())),
                at);
    }

    /** Of the curriculum. */
    static Checkpoint checkpoint(String id, String dataset, long step, Double bitsPerByte) {
        return checkpoint(id, dataset, step, bitsPerByte, Stage.PRETRAIN, TrainingRequest.CURRICULUM);
    }

    static Checkpoint checkpoint(
            String id, String dataset, long step, Double bitsPerByte, Stage stage, String requestedBy) {
        return checkpoint(id, dataset, step, bitsPerByte, stage, requestedBy, null);
    }

    static Checkpoint checkpoint(
            String id, String dataset, long step, Double bitsPerByte, Stage stage, String requestedBy, String parent) {
        return new Checkpoint(
                id,
                Checkpoint.POLICY,
                stage,
                parent,
                "run-of-" + dataset,
                requestedBy,
                step,
                dataset,
                SHA256,
                "run-of-" + dataset + "/" + id,
                SHA256,
                bitsPerByte == null ? Map.of() : Map.of(Checkpoint.BITS_PER_BYTE, bitsPerByte),
                NOON);
    }

    static Promotion byHand(String checkpoint, Instant at) {
        return new Promotion(Checkpoint.POLICY, checkpoint, null, "Asked for by hand.", Map.of(), at);
    }
}

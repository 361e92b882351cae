package io.bardstream.trainer;

import io.bardstream.checkpoint.CheckpointStore;
import io.bardstream.event.Dataset;
import io.bardstream.event.StepMetrics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** A run of some seconds, with everything in it that a resume could get wrong: dropout, accumulation, both kinds of checkpoints. */
final class SmallRun {
    static final String SONNET = """
            Shall I compare thee to a summer's day?
            Thou art more lovely and more temperate:
            Rough winds do shake the darling buds of May,
            And summer's lease hath all too short a date.
            """.repeat(20);

    static final int VOCABULARY = 320;

    private SmallRun() {}

    /** The body of a request. */
    static Map<String, Object> of(Dataset dataset, String optimizer, String dtype, Map<String, Object> more) {
        Map<String, Object> hyperparameters = new HashMap<>(Map.of(
                "optimizer", optimizer,
                "dtype", dtype,
                "dropout", 0.1,
                "context_length", 32,
                "batch_size", 2,
                "gradient_accumulation", 2,
                "evaluation_interval", 10,
                "checkpoint_interval", 6,
                "sample_interval", 20,
                "threads", 2));
        hyperparameters.putAll(more);
        return Map.of(
                "stage", "pretrain", "dataset", dataset.id(), "preset", "tiny", "hyperparameters", hyperparameters);
    }

    /** All that a run leaves which must be the same when it is trained again. */
    record Outcome(Map<Integer, String> announced, String newest, List<List<Object>> measured) {
        static Outcome of(TrainerProcess trainer, Path home, String run) throws IOException {
            return new Outcome(
                    trainer.announced(run),
                    CheckpointStore.sha256(newestFolder(home, run)),
                    trainer.metrics(run).stream().map(Outcome::exact).toList());
        }

        /** What a step measured, without times. */
        private static List<Object> exact(StepMetrics metrics) {
            return Arrays.asList(
                    metrics.step(),
                    metrics.tokens(),
                    metrics.loss(),
                    metrics.learningRate(),
                    metrics.gradientNorm(),
                    metrics.validationLoss(),
                    metrics.bitsPerByte(),
                    metrics.sample());
        }
    }

    private static Path newestFolder(Path home, String run) throws IOException {
        try (Stream<Path> folders = Files.list(folder(home, run))) {
            return folders.filter(folder -> !isTemporary(folder))
                    .sorted()
                    .reduce((one, next) -> next)
                    .orElseThrow();
        }
    }

    static Path folder(Path home, String run) {
        return home.resolve("checkpoints").resolve(run);
    }

    /** What is being written of a run, or what a killed writer left of it. */
    static List<Path> temporaries(Path home, String run) {
        try (Stream<Path> folders = Files.list(folder(home, run))) {
            return folders.filter(SmallRun::isTemporary).toList();
        } catch (IOException noFolderYet) {
            return List.of();
        }
    }

    static boolean hasStep(Path home, String run, int step) {
        try (Stream<Path> folders = Files.list(folder(home, run))) {
            return folders.anyMatch(each -> each.getFileName().toString().endsWith("-%06d".formatted(step)));
        } catch (IOException noFolderYet) {
            return false;
        }
    }

    /** Of the checkpoints that a run has on the disk. */
    static long newestStep(Path home, String run) throws IOException {
        String name = newestFolder(home, run).getFileName().toString();
        return Long.parseLong(name.substring(name.lastIndexOf('-') + 1));
    }

    private static boolean isTemporary(Path folder) {
        return folder.getFileName().toString().startsWith(".");
    }
}

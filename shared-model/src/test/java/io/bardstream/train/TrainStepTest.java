package io.bardstream.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import io.bardstream.event.Hyperparameters;
import io.bardstream.gpt.Gpt;
import io.bardstream.gpt.GptConfig;
import io.bardstream.gpt.Parameter;
import io.bardstream.gpt.Samples;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.Precision;
import io.bardstream.train.OptimizerSettings.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Whole trainings on tiny shapes: what must hold of every step, in both precisions and with both optimizers. */
class TrainStepTest {
    static Stream<Arguments> everyEngine() {
        return Stream.of(Precision.values())
                .flatMap(precision -> Stream.of(Kind.values()).map(kind -> Arguments.of(precision, kind)));
    }

    @ParameterizedTest
    @EnumSource
    void anUntrainedModelKnowsNothing(Precision precision) {
        GptConfig config = new GptConfig(4, 4, 64, 32, 1_000);
        try (Compute compute = Compute.open(precision, 1);
                Gpt gpt = Gpt.initialise(config, compute, 1);
                TrainStep training = new TrainStep(gpt, settings(Kind.ADAMW), 0, 1)) {
            double loss = training.step(0, 1e-9, List.of(Samples.batch(8, 32, 1_000, 1)))
                    .loss();

            assertThat(loss).isCloseTo(Math.log(1_000), within(0.05));
        }
    }

    @ParameterizedTest
    @MethodSource("everyEngine")
    void oneStepMovesEveryWeight(Precision precision, Kind kind) {
        try (Compute compute = Compute.open(precision, 1);
                Gpt gpt = Gpt.initialise(Samples.SMALL, compute, 1);
                TrainStep training = new TrainStep(gpt, settings(kind), 0, 1)) {
            List<float[]> before = gpt.weights().all().stream()
                    .map(parameter -> parameter.master().toFloatArray())
                    .toList();

            training.step(0, 1e-3, List.of(Samples.batch(16, 16, 50, 1)));

            List<Parameter> parameters = gpt.weights().all();
            for (int i = 0; i < parameters.size(); i++) {
                float[] now = parameters.get(i).master().toFloatArray();
                float[] then = before.get(i);
                long moved = IntStream.range(0, now.length)
                        .filter(j -> now[j] != then[j])
                        .count();
                assertThat(moved).as(parameters.get(i).name()).isGreaterThan(now.length * 9L / 10);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("everyEngine")
    void oneBatchIsLearnedByHeart(Precision precision, Kind kind) {
        try (Compute compute = Compute.open(precision, 1);
                Gpt gpt = Gpt.initialise(Samples.SMALL, compute, 1);
                TrainStep training = new TrainStep(gpt, settings(kind), 0, 1)) {
            Batch batch = Samples.batch(4, 16, 50, 1);

            double loss = 0;
            for (int step = 0; step < 200; step++) {
                loss = training.step(step, 3e-3, List.of(batch)).loss();
            }

            assertThat(loss).isLessThan(0.02);
        }
    }

    @Test
    void eightMicroBatchesOfOneAreOneOfEight() {
        Batch whole = Samples.batch(8, 16, 50, 1);
        float[] weights = new float[whole.tokens()];
        for (int i = 0; i < weights.length; i++) {
            weights[i] = i % 7 == 0 ? 0 : 1; // rows count unequally many tokens
        }
        Batch weighted = new Batch(8, 16, whole.inputs(), whole.targets(), weights);
        List<Batch> rows = IntStream.range(0, 8)
                .mapToObj(row -> Samples.row(weighted, row))
                .toList();

        double[] together = losses(Precision.FLOAT32, Kind.ADAMW, 20, List.of(weighted));
        double[] apart = losses(Precision.FLOAT32, Kind.ADAMW, 20, rows);

        for (int step = 0; step < 20; step++) {
            assertThat(apart[step]).as("step %d", step).isCloseTo(together[step], within(1e-5));
        }
        assertThat(together[19]).isLessThan(together[0] - 0.5);
    }

    @ParameterizedTest
    @MethodSource("everyEngine")
    void theSameSeedGivesTheSameWeights(Precision precision, Kind kind) {
        assertThat(weightsAfter(precision, kind, 5, 42, 2)).isEqualTo(weightsAfter(precision, kind, 5, 42, 2));
        assertThat(weightsAfter(precision, kind, 5, 42, 1)).isNotEqualTo(weightsAfter(precision, kind, 5, 43, 1));
    }

    @ParameterizedTest
    @MethodSource("everyEngine")
    void aResumedRunEndsWithTheSameWeights(Precision precision, Kind kind, @TempDir Path folder) throws IOException {
        float[] uninterrupted = weightsAfter(precision, kind, 12, 42, 1);

        try (Compute compute = Compute.open(precision, 1)) {
            try (Gpt gpt = Gpt.initialise(Samples.SMALL, compute, 42);
                    TrainStep training = new TrainStep(gpt, settings(kind), 0.2, 42)) {
                train(training, 0, 5, 42);
                gpt.save(folder.resolve("model.safetensors"));
                training.saveOptimizer(folder.resolve("optimizer.safetensors"));
            }
            Files.writeString(
                    folder.resolve("config.json"),
                    io.bardstream.checkpoint.ModelConfig.of(50, 16, 32, 2, 4, 0, null)
                            .toJson());
            try (Gpt gpt = Gpt.load(folder, compute);
                    TrainStep training = new TrainStep(gpt, settings(kind), 0.2, 42)) {
                training.loadOptimizer(folder.resolve("optimizer.safetensors"));
                train(training, 5, 12, 42);

                assertThat(gpt.weights().masters().toFloatArray()).isEqualTo(uninterrupted);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("everyEngine")
    void recomputingActivationsChangesNoBit(Precision precision, Kind kind) {
        Map<String, Object> plain = Map.of("gradient_accumulation", 2, "dropout", 0.2);
        Map<String, Object> thrifty =
                Map.of("gradient_accumulation", 2, "dropout", 0.2, "activation_recomputation", true);

        assertThat(weightsAfter(precision, kind, 2, thrifty)).isEqualTo(weightsAfter(precision, kind, 2, plain));
    }

    /** Without accumulation they are kept as they come out of the products. */
    @ParameterizedTest
    @MethodSource("everyEngine")
    void narrowGradientBuffersChangeNoBit(Precision precision, Kind kind) {
        assertThat(weightsAfter(precision, kind, 1, Map.of("gradient_accumulation", 1)))
                .isEqualTo(weightsAfter(precision, kind, 1, Map.of("gradient_accumulation", 2)));
    }

    @Test
    void refusesToAccumulateWhereNoneWasAskedFor() {
        assertThatThrownBy(() -> weightsAfter(Precision.BFLOAT16, Kind.ADAMW, 2, Map.of("gradient_accumulation", 1)))
                .hasMessage("2 micro-batches were given to a step that was made for a gradient_accumulation of 1");
    }

    @Test
    void refusesTheStateOfAnotherOptimizer(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("optimizer.safetensors");
        try (Compute compute = Compute.open(Precision.FLOAT32, 1)) {
            try (Gpt gpt = Gpt.initialise(Samples.SMALL, compute, 1);
                    TrainStep training = new TrainStep(gpt, settings(Kind.MUON), 0, 1)) {
                training.saveOptimizer(file);
            }
            try (Gpt gpt = Gpt.initialise(Samples.SMALL, compute, 1);
                    TrainStep training = new TrainStep(gpt, settings(Kind.ADAMW), 0, 1)) {
                assertThatThrownBy(() -> training.loadOptimizer(file))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("hidden.momentum")
                        .hasMessageContaining("hidden.moment1");
            }
            try (Gpt gpt = Gpt.initialise(Samples.SMALL.withVocabularySize(51), compute, 1);
                    TrainStep training = new TrainStep(gpt, settings(Kind.MUON), 0, 1)) {
                assertThatThrownBy(() -> training.loadOptimizer(file)).hasMessageContaining("embeddings.moment1");
            }
        }
    }

    @ParameterizedTest
    @MethodSource("everyEngine")
    void aLossThatIsNotANumberChangesNothing(Precision precision, Kind kind) {
        try (Compute compute = Compute.open(precision, 1);
                Gpt gpt = Gpt.initialise(Samples.SMALL, compute, 1);
                TrainStep training = new TrainStep(gpt, settings(kind), 0, 1)) {
            train(training, 0, 3, 1);
            NDArray gain = gpt.weights().get("transformer.h.1.ln_2.weight").master();
            compute.kernels().copy(gain, gain.mul(Float.NaN));
            float[] before = gpt.weights().masters().toFloatArray();

            assertThatThrownBy(() -> train(training, 3, 4, 1))
                    .isInstanceOf(NotFiniteException.class)
                    .hasMessageContaining("step 3")
                    .hasMessageContaining("NaN");

            assertThat(gpt.weights().masters().toFloatArray()).isEqualTo(before);
        }
    }

    @Test
    void aThousandStepsTakeNoMoreMemoryThanAHundred() throws IOException {
        try (Compute compute = Compute.open(Precision.BFLOAT16, 1);
                Gpt gpt = Gpt.initialise(Samples.SMALL, compute, 1);
                TrainStep training = new TrainStep(gpt, settings(Kind.MUON), 0.1, 1)) {
            train(training, 0, 200, 1);
            int arrays = compute.manager().getManagedArrays().size();
            long resident = residentKilobytes();

            train(training, 200, 1_000, 1);

            assertThat(compute.manager().getManagedArrays()).hasSize(arrays);
            assertThat(residentKilobytes() - resident).isLessThan(32 * 1024); // one step leaked is about 0.3 MB
        }
    }

    private static OptimizerSettings settings(Kind kind) {
        return new OptimizerSettings(kind, 5, 0.9, 0.95, 1e-8, 0.1, 1);
    }

    private static void train(TrainStep training, int from, int to, long seed) {
        for (int step = from; step < to; step++) {
            training.step(
                    step,
                    3e-3,
                    List.of(
                            Samples.batch(2, 16, 50, seed + 2L * step),
                            Samples.batch(2, 16, 50, seed + 2L * step + 1)));
        }
    }

    private static float[] weightsAfter(Precision precision, Kind kind, int steps, long seed, int threads) {
        try (Compute compute = Compute.open(precision, threads);
                Gpt gpt = Gpt.initialise(Samples.SMALL, compute, seed);
                TrainStep training = new TrainStep(gpt, settings(kind), 0.2, seed)) {
            train(training, 0, steps, seed);
            return gpt.weights().masters().toFloatArray();
        }
    }

    private static float[] weightsAfter(
            Precision precision, Kind kind, int microBatches, Map<String, Object> hyperparameters) {
        Hyperparameters run = Hyperparameters.DEFAULTS
                .with(Map.of("optimizer", kind == Kind.MUON ? "muon" : "adamw"))
                .with(hyperparameters);
        try (Compute compute = Compute.open(precision, 1);
                Gpt gpt = Gpt.initialise(Samples.SMALL, compute, 7);
                TrainStep training = TrainStep.of(gpt, run, 7)) {
            for (int step = 0; step < 4; step++) {
                int first = microBatches * step;
                training.step(
                        step,
                        3e-3,
                        IntStream.range(first, first + microBatches)
                                .mapToObj(batch -> Samples.batch(2, 16, 50, batch))
                                .toList());
            }
            return gpt.weights().masters().toFloatArray();
        }
    }

    private static double[] losses(Precision precision, Kind kind, int steps, List<Batch> microBatches) {
        List<Double> losses = new ArrayList<>();
        try (Compute compute = Compute.open(precision, 1);
                Gpt gpt = Gpt.initialise(Samples.SMALL, compute, 1);
                TrainStep training = new TrainStep(gpt, settings(kind), 0, 1)) {
            for (int step = 0; step < steps; step++) {
                losses.add(training.step(step, 1e-3, microBatches).loss());
            }
        }
        return losses.stream().mapToDouble(Double::doubleValue).toArray();
    }

    private static long residentKilobytes() throws IOException {
        return Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(line -> line.startsWith("VmRSS"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                .sum();
    }
}

package io.bardstream.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.bardstream.event.Hyperparameters;
import io.bardstream.gpt.Gpt;
import io.bardstream.gpt.GptConfig;
import io.bardstream.gpt.Samples;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.Precision;
import io.bardstream.kernel.ResidentMemory;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The formula against the peak resident memory of real trainings, each in a process of its own. */
@EnabledOnOs(OS.LINUX)
class MemoryEstimateTest {
    private static final double TOLERANCE = 0.15;
    private static final String PEAK = "peak=";

    /** layers heads width vocabulary | batch_size context_length dtype optimizer gradient_accumulation recomputation dropout */
    @ParameterizedTest
    @ValueSource(
            strings = {"4 4 128 1024 16 128 bfloat16 muon 1 false 0", "6 6 384 4096 8 256 bfloat16 muon 1 false 0.2"})
    void theFormulaIsWithin15PercentOfWhatTrainingTakes(String training) throws Exception {
        assertThat(ratio(training)).isBetween(1 - TOLERANCE, 1 + TOLERANCE);
    }

    @Tag("acceptance")
    @ParameterizedTest
    @ValueSource(
            strings = {
                "6 6 384 65 8 256 float32 adamw 2 false 0",
                "6 12 768 1024 2 1024 bfloat16 adamw 1 true 0",
                "12 12 768 50304 2 256 bfloat16 adamw 1 false 0",
                "12 12 768 50304 1 1024 bfloat16 adamw 1 false 0",
                "12 12 768 50304 1 1024 bfloat16 adamw 2 true 0.1",
                "12 12 768 50304 4 1024 bfloat16 adamw 1 true 0",
                "12 12 768 50304 1 1024 float32 adamw 1 false 0"
            })
    void soItIsForLargerShapes(String training) throws Exception {
        assertThat(ratio(training)).isBetween(1 - TOLERANCE, 1 + TOLERANCE);
    }

    @Tag("acceptance")
    @Test
    void gpt2TrainsOnItsWholeContextInThreeAndAHalfGigabytes() throws Exception {
        assertThat(peak("12 12 768 50304 1 1024 bfloat16 adamw 1 true 0")).isLessThan(3_500_000_000L);
    }

    @Test
    void gpt2FitsInTenOfAConsumerCardsSixteenGigabytes() {
        Hyperparameters run = Preset.GPT2.pretraining();

        assertThat(MemoryEstimate.of(Preset.GPT2.config(), run).total()).isLessThan(10_000_000_000L);
    }

    @Test
    void ppoOfTinyFitsInOneGigabyteAndThatOfGpt2InTenUpToItsWholeContext() {
        Hyperparameters gpt2 = Preset.GPT2.ppo();

        assertThat(MemoryEstimate.of(Preset.TINY.config(), Preset.TINY.ppo()).total())
                .isLessThan(1_000_000_000L);
        assertThat(gpt2.contextLength()).isEqualTo(1_024);
        assertThat(MemoryEstimate.of(Preset.GPT2.config(), gpt2).total()).isLessThan(10_000_000_000L);
    }

    @Test
    void ppoFitsBySmallerMicroBatchesOfTheSameMinibatch() {
        GptConfig model = Preset.GPT2.config();
        Hyperparameters run = Preset.GPT2.ppo().with(Map.of("num_layers_unfrozen", -1, "context_length", 512));

        Hyperparameters fitted = MemoryEstimate.fit(model, run, 10_000_000_000L).orElseThrow();

        assertThat(MemoryEstimate.of(model, run).total()).isGreaterThan(10_000_000_000L);
        assertThat(MemoryEstimate.of(model, fitted).total()).isLessThanOrEqualTo(10_000_000_000L);
        assertThat(fitted).isEqualTo(run.with(Map.of("batch_size", fitted.batchSize())));
        assertThat(run.ppo().minibatch() % fitted.batchSize()).isZero();
    }

    @Test
    void theLargestMicroBatchThatFitsKeepsTheTokensOfAStep() {
        GptConfig model = Preset.GPT2.config();
        Hyperparameters run = Preset.GPT2.pretraining(); // 480 sequences a step

        Hyperparameters fitted = MemoryEstimate.fit(model, run, 5_000_000_000L).orElseThrow();

        assertThat(fitted.batchSize() * fitted.gradientAccumulation()).isEqualTo(480);
        assertThat(MemoryEstimate.of(model, fitted).total()).isLessThanOrEqualTo(5_000_000_000L);
        assertThat(fitted.batchSize()).isBetween(2, 6);
        assertThat(MemoryEstimate.fit(model, run, 2_000_000_000L)).isEmpty();
    }

    private static double ratio(String training) throws IOException, InterruptedException {
        String[] words = training.split(" ");
        return MemoryEstimate.of(model(words), run(words)).total() / (double) peak(training);
    }

    private static GptConfig model(String... words) {
        int[] numbers = new int[6];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = Integer.parseInt(words[i]);
        }
        return new GptConfig(numbers[0], numbers[1], numbers[2], numbers[5], numbers[3]);
    }

    private static Hyperparameters run(String... words) {
        return Hyperparameters.DEFAULTS.with(Map.of(
                "batch_size", Integer.parseInt(words[4]),
                "context_length", Integer.parseInt(words[5]),
                "dtype", words[6],
                "optimizer", words[7],
                "gradient_accumulation", Integer.parseInt(words[8]),
                "activation_recomputation", Boolean.parseBoolean(words[9]),
                "dropout", Double.parseDouble(words[10])));
    }

    private static long peak(String training) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx512m",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                MemoryEstimateTest.class.getName()));
        Collections.addAll(command, training.split(" "));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(said).isZero();
        return said.lines()
                .filter(line -> line.startsWith(PEAK))
                .mapToLong(line -> Long.parseLong(line.substring(PEAK.length())))
                .findFirst()
                .orElseThrow();
    }

    /** Trains for two steps and says how large the process became. */
    public static void main(String[] words) {
        GptConfig model = model(words);
        Hyperparameters run = run(words);
        try (Compute compute = Compute.open(Precision.parse(run.dtype()), 1);
                Gpt gpt = Gpt.initialise(model, compute, 1);
                TrainStep training = TrainStep.of(gpt, run, 1)) {
            Batch batch = Samples.batch(run.batchSize(), run.contextLength(), model.vocabularySize(), 1);
            for (int step = 0; step < 2; step++) {
                training.step(step, 1e-4, Collections.nCopies(run.gradientAccumulation(), batch));
            }
        }
        System.out.println(PEAK + ResidentMemory.peak().orElseThrow());
    }
}

package io.bardstream.train;

import io.bardstream.event.EventJson;
import io.bardstream.event.Hyperparameters;
import io.bardstream.gpt.Gpt;
import io.bardstream.gpt.GptConfig;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.KernelProfile;
import io.bardstream.kernel.MatmulPeak;
import io.bardstream.kernel.Precision;
import io.bardstream.kernel.ResidentMemory;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * What {@code bardstream bench train} runs: whole training steps, forward, backward, clipping and AdamW, on random tokens in
 * the shapes that nanoGPT is measured with. Each shape and precision has a process of its own, so that its peak memory
 * is its own.
 */
public final class TrainBenchmark {
    /** A model and its batch. */
    public record Shape(String name, GptConfig config, int batchSize, int contextLength) {
        int tokens() {
            return batchSize * contextLength;
        }
    }

    /**
     * A measurement.
     *
     * @param tokensPerSecond at the median step
     * @param milliseconds the median step
     * @param fastestMilliseconds the fastest step: what the machine does when nothing else runs
     * @param utilisation model FLOP utilisation: the share of {@code matmulPeak} that the model's operations take
     * @param matmulPeak floating-point operations a second that this process reached in products of square matrices
     * @param peakResidentBytes the process at its largest, JVM and libtorch included; absent where the system does not say
     * @param profile milliseconds and calls a step of each kernel
     */
    public record Result(
            String shape,
            String dtype,
            String device,
            int threads,
            long parameters,
            int batchSize,
            int contextLength,
            double tokensPerSecond,
            double milliseconds,
            double fastestMilliseconds,
            double utilisation,
            double matmulPeak,
            Long peakResidentBytes,
            List<KernelProfile.Entry> profile) {}

    /** nanoGPT's small Shakespeare model, its larger one, and GPT-2 with the vocabulary padded to a multiple of 64. */
    public static final List<Shape> SHAPES = List.of(
            new Shape("4L/128 B12 T64", new GptConfig(4, 4, 128, 64, 65), 12, 64),
            new Shape("6L/384 B16 T256", new GptConfig(6, 6, 384, 256, 65), 16, 256),
            new Shape("124M B2 T256", new GptConfig(12, 12, 768, 256, 50_304), 2, 256),
            new Shape("124M B1 T1024", new GptConfig(12, 12, 768, 1_024, 50_304), 1, 1_024));

    private static final Hyperparameters SETTINGS =
            Hyperparameters.DEFAULTS.with(Map.of("optimizer", "adamw", "gradient_accumulation", 1));
    private static final String SECONDS = "bardstream.bench.seconds";
    private static final double PEAK_SECONDS = 3;
    private static final int WARM_UP = 3;
    private static final int LEAST = 5;

    private TrainBenchmark() {}

    /** Measures whole steps for about the given time, at least {@value #LEAST}, and then a profile over as many more. */
    public static Result measure(Shape shape, Precision precision, int threads, double seconds) {
        try (Compute compute = Compute.open(precision, threads);
                Gpt gpt = Gpt.initialise(shape.config(), compute, 1);
                TrainStep training = TrainStep.of(gpt, SETTINGS, 1)) {
            Batch batch = random(shape);
            for (int step = 0; step < WARM_UP; step++) {
                training.step(step, 1e-4, List.of(batch));
            }
            double[] times = new double[10_000];
            int count = 0;
            long start = System.nanoTime();
            while (count < times.length && (count < LEAST || System.nanoTime() - start < seconds * 1e9)) {
                long before = System.nanoTime();
                training.step(WARM_UP + count, 1e-4, List.of(batch));
                times[count++] = (System.nanoTime() - before) / 1e6;
            }
            double[] sorted = Arrays.copyOf(times, count);
            Arrays.sort(sorted);
            double median = sorted[count / 2];
            double tokensPerSecond = shape.tokens() / median * 1e3;
            List<KernelProfile.Entry> profile;
            try (KernelProfile running = KernelProfile.start()) {
                for (int step = 0; step < LEAST; step++) {
                    training.step(WARM_UP + count + step, 1e-4, List.of(batch));
                }
                profile = running.perStep(LEAST);
            }
            Long resident = ResidentMemory.peak().stream().boxed().findFirst().orElse(null);
            double peak = MatmulPeak.measure(compute, PEAK_SECONDS);
            return new Result(
                    shape.name(),
                    precision.dtype(),
                    compute.device().toString(),
                    threads,
                    shape.config().parameterCount(),
                    shape.batchSize(),
                    shape.contextLength(),
                    tokensPerSecond,
                    median,
                    sorted[0],
                    tokensPerSecond * shape.config().trainingFlopsPerToken(shape.contextLength()) / peak,
                    peak,
                    resident,
                    profile);
        }
    }

    private static Batch random(Shape shape) {
        Random random = new Random(1);
        int vocabulary = shape.config().vocabularySize();
        int[] inputs = random.ints(shape.tokens(), 0, vocabulary).toArray();
        int[] targets = random.ints(shape.tokens(), 0, vocabulary).toArray();
        return new Batch(shape.batchSize(), shape.contextLength(), inputs, targets, null);
    }

    /**
     * Prints a table of all shapes in both precisions, with a profile of each, and writes the measurements to the file named
     * by the first argument, as a JSON list. With three arguments, FILE SHAPE DTYPE, measures that one in this process.
     */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        Path file = Path.of(arguments[0]);
        if (arguments.length == 3) {
            Shape shape = SHAPES.stream()
                    .filter(each -> each.name().equals(arguments[1]))
                    .findFirst()
                    .orElseThrow();
            int threads = Runtime.getRuntime().availableProcessors();
            double seconds = Double.parseDouble(System.getProperty(SECONDS, "10"));
            Files.write(file, EventJson.write(measure(shape, Precision.parse(arguments[2]), threads, seconds)));
            return;
        }
        List<Result> results = new ArrayList<>();
        System.out.printf(
                "%-16s %-9s %12s %9s %8s %6s %9s %11s%n",
                "shape", "dtype", "tokens/s", "ms", "fastest", "MFU", "peak", "resident");
        for (Shape shape : SHAPES) {
            for (Precision precision : Precision.values()) {
                Result result = inItsOwnProcess(shape, precision);
                results.add(result);
                print(result);
            }
        }
        results.forEach(TrainBenchmark::printProfile);
        Files.write(file, EventJson.write(results));
    }

    private static Result inItsOwnProcess(Shape shape, Precision precision) throws IOException, InterruptedException {
        Path file = Files.createTempFile("bench", ".json");
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), TrainBenchmark.class.getName()));
        command.addAll(List.of(file.toString(), shape.name(), precision.dtype()));
        try {
            int exit = new ProcessBuilder(command).inheritIO().start().waitFor();
            if (exit != 0) {
                throw new IOException("measuring " + shape.name() + " in " + precision.dtype() + " ended with " + exit);
            }
            return EventJson.read(Files.readAllBytes(file), Result.class);
        } finally {
            Files.delete(file);
        }
    }

    private static void print(Result result) {
        System.out.printf(
                "%-16s %-9s %,12.0f %9.1f %8.1f %5.1f%% %4.0f GF/s %8.2f GB%n",
                result.shape(),
                result.dtype(),
                result.tokensPerSecond(),
                result.milliseconds(),
                result.fastestMilliseconds(),
                100 * result.utilisation(),
                result.matmulPeak() / 1e9,
                result.peakResidentBytes() == null ? Double.NaN : result.peakResidentBytes() / 1e9);
    }

    private static void printProfile(Result result) {
        System.out.printf("%n%s, %s: milliseconds a step%n", result.shape(), result.dtype());
        double inKernels = 0;
        for (KernelProfile.Entry entry : result.profile()) {
            inKernels += entry.milliseconds();
            System.out.printf(
                    "  %-9s %-22s %9.2f %5.1f%% %5d calls%n",
                    entry.pass(),
                    entry.kernel(),
                    entry.milliseconds(),
                    100 * entry.milliseconds() / result.milliseconds(),
                    entry.calls());
        }
        double rest = Math.max(0, result.milliseconds() - inKernels);
        System.out.printf("  %-32s %9.2f %5.1f%%%n", "between kernels", rest, 100 * rest / result.milliseconds());
    }
}

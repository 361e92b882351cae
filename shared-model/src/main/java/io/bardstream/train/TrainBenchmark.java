package io.bardstream.train;

import io.bardstream.gpt.Gpt;
import io.bardstream.gpt.GptConfig;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.Precision;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * How many tokens a second whole training steps take in: forward, backward, clipping and AdamW, on random tokens, in the
 * shapes that nanoGPT is measured with.
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
     * @param milliseconds the median step
     * @param fastest the fastest step, in milliseconds: what the machine does when nothing else runs
     * @param tokensPerSecond at the median step
     */
    public record Result(
            Shape shape,
            Precision precision,
            int threads,
            double milliseconds,
            double fastest,
            double tokensPerSecond) {}

    /** nanoGPT's small Shakespeare model, its larger one, and GPT-2 with the vocabulary padded to a multiple of 64. */
    public static final List<Shape> SHAPES = List.of(
            new Shape("4 layers, 128 wide", new GptConfig(4, 4, 128, 64, 65), 12, 64),
            new Shape("6 layers, 384 wide", new GptConfig(6, 6, 384, 256, 65), 16, 256),
            new Shape("GPT-2 124M", new GptConfig(12, 12, 768, 256, 50_304), 2, 256));

    private static final int WARM_UP = 3;

    private TrainBenchmark() {}

    /** Measures steps for about the given time, at least three. */
    public static Result measure(Shape shape, Precision precision, int threads, double seconds) {
        try (Compute compute = Compute.open(precision, threads);
                Gpt gpt = Gpt.initialise(shape.config(), compute, 1);
                TrainStep training = new TrainStep(gpt, OptimizerSettings.adamw(), 0, 1)) {
            Batch batch = random(shape);
            for (int step = 0; step < WARM_UP; step++) {
                training.step(step, 1e-4, List.of(batch));
            }
            double[] times = new double[10_000];
            int count = 0;
            long start = System.nanoTime();
            while (count < times.length && (count < 3 || System.nanoTime() - start < seconds * 1e9)) {
                long before = System.nanoTime();
                training.step(WARM_UP + count, 1e-4, List.of(batch));
                times[count++] = (System.nanoTime() - before) / 1e6;
            }
            double[] sorted = Arrays.copyOf(times, count);
            Arrays.sort(sorted);
            double median = sorted[count / 2];
            return new Result(shape, precision, threads, median, sorted[0], shape.tokens() / median * 1e3);
        }
    }

    private static Batch random(Shape shape) {
        Random random = new Random(1);
        int vocabulary = shape.config().vocabularySize();
        int[] inputs = random.ints(shape.tokens(), 0, vocabulary).toArray();
        int[] targets = random.ints(shape.tokens(), 0, vocabulary).toArray();
        return new Batch(shape.batchSize(), shape.contextLength(), inputs, targets, null);
    }

    /** Prints a table of all shapes: in this machine's best precision, or in the one named by the argument. */
    public static void main(String[] arguments) {
        Precision precision = arguments.length > 0 ? Precision.parse(arguments[0]) : Compute.preferredPrecision();
        int threads = Runtime.getRuntime().availableProcessors();
        System.out.println("| step | dtype | threads | median ms | fastest ms | tokens/s |");
        System.out.println("|---|---|---|---|---|---|");
        for (Shape shape : SHAPES) {
            Result result = measure(shape, precision, threads, 10);
            System.out.printf(
                    "| %s, B%d T%d | %s | %d | %.1f | %.1f | %,.0f |%n",
                    shape.name(),
                    shape.batchSize(),
                    shape.contextLength(),
                    precision.dtype(),
                    threads,
                    result.milliseconds(),
                    result.fastest(),
                    result.tokensPerSecond());
        }
    }
}

package io.bardstream.train;

import io.bardstream.event.Hyperparameters;
import io.bardstream.gpt.GptConfig;
import io.bardstream.kernel.Kernels;
import io.bardstream.kernel.Precision;
import java.util.Map;
import java.util.Optional;

/**
 * What training takes of memory at its largest, in bytes, by this formula. P parameters, of which 12·L·C² in hidden matrices;
 * N = B·T tokens of a micro-batch; c bytes of a number in compute precision (2 or 4).
 *
 * <ul>
 *   <li>weights: masters 4·P, and copies 2·P where c = 2
 *   <li>optimizer: two moments 8·P; Muon has one for the hidden matrices
 *   <li>gradients: 4·P, but c for a hidden matrix's number where no micro-batches are accumulated
 *   <li>a layer's activations: the stream before both norms 8·N·C; queries, keys and values 3, attention's output 1, both
 *       norms' 2, GELU and its slope 8, together 14·c·N·C; probabilities c·B·H·T·(T + tile)/2; dropout masks 2·N·C. All
 *       layers' are kept until the backward pass; with recomputation one layer's, and 4·N·C for each of the others
 *   <li>beside them, the larger of the loss (a chunk of logits c·rows·V, the head's gradient c·V·C, a little in float32) and
 *       what a block computes with; with Muon, if that is more than all activations, the temporaries of its largest stack
 *   <li>the process itself: JVM, libtorch and what they load
 * </ul>
 *
 * Three numbers are measured rather than counted: the process, what a block computes with, and how much of the memory
 * between the activations the allocator cannot use again (docs/experiments.md).
 *
 * @param weights masters and copies
 * @param optimizer its state
 * @param gradients their sums
 * @param activations all that lives only within a step
 * @param process what is there before any of these
 */
public record MemoryEstimate(long weights, long optimizer, long gradients, long activations, long process) {
    /** A JVM with libtorch, and what the first step makes both of them load. */
    private static final long PROCESS = 280_000_000;

    /** What a block computes with, in numbers for each of the stream. */
    private static final long WORKING = 65;

    /** What is kept takes this much more room. */
    private static final double FRAGMENTATION = 1.2;

    private static final long FLOAT = 4;

    /** Float32 rows of softmax at once, and their temporaries. */
    private static final long SOFTMAX = 3 * FLOAT << 20;

    /** The estimate of a run. */
    public static MemoryEstimate of(GptConfig model, Hyperparameters run) {
        long c = Precision.parse(run.dtype()).bytes();
        long parameters = model.parameterCount();
        long width = model.width();
        long hidden = 12L * model.layers() * width * width;
        boolean muon = OptimizerSettings.of(run).kind() == OptimizerSettings.Kind.MUON;
        long weights = FLOAT * parameters + (c == FLOAT ? 0 : c * parameters);
        long optimizer = 2 * FLOAT * parameters - (muon ? FLOAT * hidden : 0);
        long gradient = run.gradientAccumulation() > 1 ? FLOAT : c;
        long gradients = gradient * hidden + FLOAT * (parameters - hidden);
        long step = Math.max(pass(model, run, c), muon ? muonTemporaries(model, c) : 0);
        return new MemoryEstimate(weights, optimizer, gradients, step, PROCESS);
    }

    /**
     * The estimate of PPO. Policy and critic have an optimizer and gradients each, reference and reward model weights only, and
     * nothing is shared; the widest step is the update of a micro-batch of rows as long as prompt and response together.
     */
    public static MemoryEstimate ofPpo(GptConfig model, Hyperparameters run, int rowLength) {
        MemoryEstimate one = of(model, run.with(Map.of("context_length", rowLength)));
        return new MemoryEstimate(
                4 * one.weights(), 2 * one.optimizer(), 2 * one.gradients(), one.activations(), PROCESS);
    }

    private static long pass(GptConfig model, Hyperparameters run, long c) {
        long rows = run.batchSize();
        long length = run.contextLength();
        long stream = rows * length * model.width(); // N·C
        long tile = Math.min(Kernels.ATTENTION_TILE, length);
        long probabilities = rows * model.heads() * length * (length + tile) / 2;
        long masks = run.dropout() > 0 ? 2 * stream : 0;
        long layer = 2 * FLOAT * stream + 14 * c * stream + c * probabilities + masks;
        long kept =
                run.activationRecomputation() ? layer + FLOAT * stream * (model.layers() - 1) : layer * model.layers();
        long logits = Math.min(rows * length, Kernels.logitRows(model.vocabularySize())) * model.vocabularySize();
        long loss = c * logits + c * model.vocabularySize() * model.width() + SOFTMAX;
        return Math.round(FRAGMENTATION * kept) + Math.max(loss, WORKING * c * stream);
    }

    private static long muonTemporaries(GptConfig model, long c) {
        long stack = 4L * model.layers() * model.width() * model.width();
        return (2 * FLOAT + 3 * c) * stack;
    }

    /** All of it. */
    public long total() {
        return weights + optimizer + gradients + activations + process;
    }

    /**
     * The run with the largest micro-batch that fits, at as many tokens a step.
     *
     * @param budget bytes for the whole process
     * @return empty if not even one sequence at a time fits
     */
    public static Optional<Hyperparameters> fit(GptConfig model, Hyperparameters run, long budget) {
        int sequences = run.batchSize() * run.gradientAccumulation();
        for (int batch = sequences; batch >= 1; batch--) {
            if (sequences % batch == 0) {
                Hyperparameters smaller =
                        run.with(Map.of("batch_size", batch, "gradient_accumulation", sequences / batch));
                if (of(model, smaller).total() <= budget) {
                    return Optional.of(smaller);
                }
            }
        }
        return Optional.empty();
    }
}

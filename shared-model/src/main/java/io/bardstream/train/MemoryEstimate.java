package io.bardstream.train;

import io.bardstream.event.Hyperparameters;
import io.bardstream.event.PpoSettings;
import io.bardstream.event.RewardSettings;
import io.bardstream.gpt.GptConfig;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.Kernels;
import io.bardstream.kernel.Precision;
import java.util.Map;
import java.util.Optional;

/**
 * What training takes of memory at its largest, in bytes, by this formula. P parameters, of which 12·L·C² in hidden matrices;
 * N = B·T tokens of a micro-batch, twice as many where it is of pairs; c bytes of a number in compute precision (2 or 4).
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
 *   <li>DPO: the weights of a reference
 *   <li>reward model: as much again for the model that cross-validation makes beside it, no optimizer where the trunk is frozen; instead
 *       of the activations, if that is more, what a judge reads, or the decoder of the answers that the scale is taken from
 *   <li>PPO: weights of four models, optimizer and gradients of two, of the upper layers alone where only these learn; instead
 *       of the activations, if that is more, the decoder of the rollouts with its cache, or what the judge reads; and logits
 *       of rollouts that Java has not collected yet, 2·4·S·V a token, up to 0.26 GB
 *   <li>small models, where {@link Compute#both} does two things at once: two folds' models, and two passes' activations
 *   <li>the process itself: JVM, libtorch and what they load
 * </ul>
 *
 * Six numbers are measured rather than counted: the process, what a block computes with in training and without, how much of the memory between the
 * activations the allocator cannot use again, with one model and with several, and what Java leaves lying
 * (docs/experiments.md).
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

    /** The same where nothing is kept. */
    private static final long READING = 45;

    /** What is kept takes this much more room, */
    private static final double FRAGMENTATION = 1.2;

    /** and this much where passes of several models alternate. */
    private static final double SCATTERED = 1.7;

    /** Java's copies of logits that wait to be collected, at most: on its heap, and as many off it. */
    private static final long UNCOLLECTED = 128_000_000;

    /** Tokens that a judge reads at once, at most. */
    private static final long READ = 8_192;

    private static final long FLOAT = 4;

    /** Float32 rows of softmax at once, and their temporaries. */
    private static final long SOFTMAX = 3 * FLOAT << 20;

    /** The estimate of a run, whatever its stage. */
    public static MemoryEstimate of(GptConfig model, Hyperparameters run) {
        if (run.ppo() != null) {
            return ofPpo(model, run);
        }
        if (run.reward() != null) {
            return ofReward(model, run);
        }
        long c = Precision.parse(run.dtype()).bytes();
        long all = model.parameterCount();
        long width = model.width();
        long hidden = 12L * model.layers() * width * width;
        boolean muon = OptimizerSettings.of(run).kind() == OptimizerSettings.Kind.MUON;
        long optimizer = 2 * FLOAT * all - (muon ? FLOAT * hidden : 0);
        boolean accumulates = run.gradientAccumulation() > 1;
        boolean pairs = run.dpo() != null;
        Rows rows = new Rows((pairs ? 2L : 1L) * run.batchSize(), run.contextLength());
        long pass = pass(model, run, rows, model.layers(), pairs ? SCATTERED : FRAGMENTATION);
        return new MemoryEstimate(
                (pairs ? 2 : 1) * weights(all, c),
                optimizer,
                gradients(hidden, all - hidden, accumulates, c),
                Math.max(pass, muon ? muonTemporaries(model, c) : 0),
                PROCESS);
    }

    /** A reward model beside one or two that are made in the same way of some of the pairs, all ready to be tuned. */
    private static MemoryEstimate ofReward(GptConfig model, Hyperparameters run) {
        long c = Precision.parse(run.dtype()).bytes();
        long all = model.parameterCount();
        long hidden = 12L * model.layers() * model.width() * model.width();
        boolean tuned = run.reward().trunk() == RewardSettings.Trunk.TUNED;
        Rows rows = new Rows(2L * run.batchSize(), run.contextLength());
        int folds = atOnce(model, run);
        long update = tuned ? folds * pass(model, run, rows, model.layers(), FRAGMENTATION) : 0;
        long judged = READING * c * READ * model.width();
        long answers = decoder(model, run, Rollout.SLOTS, c);
        return new MemoryEstimate(
                (1 + folds) * weights(all, c),
                tuned ? (1 + folds) * 2 * FLOAT * all : 0,
                tuned ? (1 + folds) * gradients(hidden, all - hidden, run.gradientAccumulation() > 1, c) : 0,
                Math.max(update, Math.max(judged, answers)),
                PROCESS);
    }

    /**
     * PPO: four models, of which two learn; where only upper layers do, these two borrow the others' lower layers. Its widest
     * moment is the update of a micro-batch, the rollouts, or the judge's reading.
     */
    private static MemoryEstimate ofPpo(GptConfig model, Hyperparameters run) {
        PpoSettings ppo = run.ppo();
        long c = Precision.parse(run.dtype()).bytes();
        long all = model.parameterCount();
        long width = model.width();
        boolean freezes = ppo.freezes(model.layers());
        int layers = freezes ? ppo.numLayersUnfrozen() : model.layers();
        long hidden = 12L * layers * width * width;
        long learned = freezes ? hidden + 13L * layers * width + 2 * width : all;
        boolean accumulates = ppo.minibatch() > run.batchSize();
        Rows rows = new Rows(run.batchSize(), run.contextLength());
        long update = atOnce(model, run) * pass(model, run, rows, layers, SCATTERED);
        long read = Math.min(READ, ppo.rollouts() * (long) run.contextLength());
        long widest = Math.max(update, Math.max(decoder(model, run, slots(run), c), READING * c * read * width));
        return new MemoryEstimate(
                2 * weights(all, c) + 2 * weights(learned, c),
                2 * 2 * FLOAT * learned,
                2 * gradients(hidden, learned - hidden, accumulates, c),
                widest,
                PROCESS
                        + 2
                                * Math.min(
                                        UNCOLLECTED,
                                        ppo.responseLength() * slots(run) * model.vocabularySize() * FLOAT));
    }

    /** Passes of several models at the same time. */
    private static int atOnce(GptConfig model, Hyperparameters run) {
        return Compute.doesTwoAtOnce(run.threads(), model.parameterCount()) ? 2 : 1;
    }

    /** Responses that are written at once. */
    private static long slots(Hyperparameters run) {
        return Math.min(Rollout.SLOTS, run.ppo().rollouts());
    }

    /** Sequences of a micro-batch and their tokens. */
    private record Rows(long count, long length) {
        long tokens() {
            return count * length;
        }
    }

    private static long weights(long parameters, long c) {
        return FLOAT * parameters + (c == FLOAT ? 0 : c * parameters);
    }

    private static long gradients(long hidden, long others, boolean accumulates, long c) {
        return (accumulates ? FLOAT : c) * hidden + FLOAT * others;
    }

    /** A forward and a backward pass that keep the activations of some upper layers. */
    private static long pass(GptConfig model, Hyperparameters run, Rows rows, int layers, double fragmentation) {
        long c = Precision.parse(run.dtype()).bytes();
        long length = rows.length();
        long stream = rows.tokens() * model.width(); // N·C
        long tile = Math.min(Kernels.ATTENTION_TILE, length);
        long probabilities = rows.count() * model.heads() * length * (length + tile) / 2;
        long masks = run.dropout() > 0 ? 2 * stream : 0;
        long layer = 2 * FLOAT * stream + 14 * c * stream + c * probabilities + masks;
        long kept = run.activationRecomputation() ? layer + FLOAT * stream * (layers - 1) : layer * layers;
        long logits = Math.min(rows.tokens(), Kernels.logitRows(model.vocabularySize())) * model.vocabularySize();
        long loss = c * logits + c * model.vocabularySize() * model.width() + SOFTMAX;
        return Math.round(fragmentation * kept) + Math.max(loss, WORKING * c * stream);
    }

    /** What writes the rollouts: copies of the weights, of the head twice, and a cache for all slots. */
    private static long decoder(GptConfig model, Hyperparameters run, long slots, long c) {
        long cache = 2L * model.layers() * slots * run.contextLength() * model.width();
        long head = (long) model.vocabularySize() * model.width();
        return c * (model.parameterCount() + head + cache) + FLOAT * (head + slots * model.vocabularySize());
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
     * The run with the largest micro-batch that fits, at as many tokens a step; PPO's minibatch stays as it is.
     *
     * @param budget bytes for the whole process
     * @return empty if not even one sequence at a time fits
     */
    public static Optional<Hyperparameters> fit(GptConfig model, Hyperparameters run, long budget) {
        boolean ppo = run.ppo() != null;
        int sequences = ppo ? run.ppo().minibatch() : run.batchSize() * run.gradientAccumulation();
        for (int batch = sequences; batch >= 1; batch--) {
            if (sequences % batch == 0) {
                Hyperparameters smaller = run.with(
                        ppo
                                ? Map.of("batch_size", batch)
                                : Map.of("batch_size", batch, "gradient_accumulation", sequences / batch));
                if (of(model, smaller).total() <= budget) {
                    return Optional.of(smaller);
                }
            }
        }
        return Optional.empty();
    }
}

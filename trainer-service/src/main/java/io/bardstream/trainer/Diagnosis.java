package io.bardstream.trainer;

import io.bardstream.event.Hyperparameters;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.LongFunction;
import java.util.stream.Collectors;

/**
 * Says in words what goes wrong in a training run, and which knob to turn: the loss explodes, jumps at one batch, stands still,
 * falls on the training text alone, or the weights move too far or hardly at all. Of several the gravest is said. The bounds
 * are those of real runs (docs/experiments.md).
 *
 * <p>It only reads what the run measures anyhow, and changes nothing. What it says stays the same for as long as the condition
 * lasts. A resumed run is judged by what it measures from there on. Losses are in nats a token; for one thread.
 */
final class Diagnosis {
    private enum Condition {
        EXPLODES,
        JUMPED,
        OVERFITS,
        SWELLS,
        STAGNATES,
        CREEPS,
        HEALTHY
    }

    /** Steps before the running mean is believed, and for which a jump is told. */
    private static final int SETTLED = 20;

    private static final int JUMP_IS_TOLD = 100;
    private static final double JUMP_DEVIATIONS = 6;
    private static final double JUMP_SHARE = 0.1; // of the running mean
    private static final double EXPLOSION = 0.5; // nats above the lowest mean
    private static final double EXPLOSION_DEVIATIONS = 2;
    private static final int SHORTEST_STRETCH = 40;
    private static final int STRETCHES = 10; // of a run
    private static final double PROGRESS = 0.005; // of the loss, in two stretches
    private static final int WORSE_EVALUATIONS = 3;
    private static final double WORSE = 1.005; // times the best validation loss
    private static final double SWOLLEN = 100; // root mean square of the residual stream
    private static final double CREEPING = 5e-4; // update-to-weight ratio, by AdamW
    private static final int OFFSETS_SHOWN = 8;

    private final Hyperparameters settings;
    private final boolean fresh;
    private final LongFunction<long[]> offsets;
    private final RunningMean slow = new RunningMean(50);
    private final RunningMean fast = new RunningMean(20);
    private final long stretch; // steps

    private Condition condition = Condition.HEALTHY;
    private String verdict;

    private double lowest = Double.POSITIVE_INFINITY; // of the fast mean
    private double deviationAtLowest;
    private long lowestAt;

    private long jumpedAt = Long.MIN_VALUE / 2;
    private double jumpedTo;
    private double jumpedFrom;

    private double stretchLosses;
    private long stretchSteps;
    private double[] stretchMeans = {}; // at most the last three
    private boolean stagnates;

    private long measuredAt;
    private double scale; // of the activations, where it is largest
    private int scaleLayer;
    private double ratio; // of the middle layer
    private boolean creeps;

    private double bestValidation = Double.POSITIVE_INFINITY;
    private double newestValidation;
    private double trainingAtBest;
    private long bestAt;
    private int evaluationsSinceBest;

    /**
     * @param fresh whether the weights began at random; those of a parent may be large, and need to move little
     * @param offsets where in the training split the windows of a step begin, steps counted from 1
     */
    Diagnosis(Hyperparameters settings, boolean fresh, LongFunction<long[]> offsets) {
        this.settings = settings;
        this.fresh = fresh;
        this.offsets = offsets;
        this.stretch = Math.max(SHORTEST_STRETCH, settings.steps() / STRETCHES);
    }

    /** Takes in a step's mean training loss; steps are counted from 1. */
    void stepped(long step, double learningRate, double loss) {
        double most = slow.mean() + Math.max(JUMP_DEVIATIONS * slow.deviation(), JUMP_SHARE * slow.mean());
        boolean jump = slow.count() >= SETTLED && loss > most;
        if (jump && condition != Condition.EXPLODES) {
            jumpedAt = step;
            jumpedTo = loss;
            jumpedFrom = slow.mean();
            condition = Condition.HEALTHY; // each jump is told anew
        }
        slow.add(jump ? most : loss); // what is far outside does not hide the next that is
        fast.add(loss);
        if (fast.count() >= SETTLED && fast.mean() < lowest) {
            lowest = fast.mean();
            deviationAtLowest = slow.deviation();
            lowestAt = step;
        }
        measureStretch(step, learningRate, loss);
        diagnose(step);
    }

    /** Means of whole stretches after the warm-up, until the rate is below half its peak: there any loss comes to rest. */
    private void measureStretch(long step, double learningRate, double loss) {
        if (step <= settings.warmupSteps() || learningRate < settings.learningRate() / 2) {
            stretchSteps = 0;
            stretchLosses = 0;
            stagnates = false;
            return;
        }
        stretchSteps++;
        stretchLosses += loss;
        if (stretchSteps == stretch) {
            int kept = Math.min(2, stretchMeans.length);
            double[] means = Arrays.copyOf(
                    Arrays.copyOfRange(stretchMeans, stretchMeans.length - kept, stretchMeans.length), kept + 1);
            means[kept] = stretchLosses / stretchSteps;
            stretchMeans = means;
            stagnates = kept == 2 && means[2] > means[0] * (1 - PROGRESS);
            stretchSteps = 0;
            stretchLosses = 0;
        }
    }

    /** Takes in, layer by layer, how far a step moved the weights relative to their size, and the scale of the activations. */
    void measured(long step, double learningRate, List<Double> ratios, List<Double> scales) {
        measuredAt = step;
        scale = Collections.max(scales);
        scaleLayer = scales.indexOf(scale) + 1;
        if (step > settings.warmupSteps() && learningRate >= settings.learningRate() / 2) {
            ratio = ratios.stream().sorted().toList().get(ratios.size() / 2);
            creeps = settings.optimizer().equals("adamw") && ratio < CREEPING;
        }
        diagnose(step);
    }

    /** Takes in an evaluation. */
    void evaluated(long step, double validationLoss) {
        newestValidation = validationLoss;
        if (validationLoss < bestValidation) {
            bestValidation = validationLoss;
            trainingAtBest = fast.mean();
            bestAt = step;
            evaluationsSinceBest = 0;
        } else {
            evaluationsSinceBest++;
        }
        diagnose(step);
    }

    /** What is wrong, and what to do; empty for a healthy run. */
    Optional<String> verdict() {
        return Optional.ofNullable(verdict);
    }

    private void diagnose(long step) {
        Condition now = condition(step);
        if (now != condition) {
            condition = now;
            verdict = words(now, step);
        }
    }

    private Condition condition(long step) {
        if (fast.mean() > lowest + Math.max(EXPLOSION, EXPLOSION_DEVIATIONS * deviationAtLowest)) {
            return Condition.EXPLODES;
        }
        if (step - jumpedAt < JUMP_IS_TOLD) {
            return Condition.JUMPED;
        }
        if (evaluationsSinceBest >= WORSE_EVALUATIONS
                && newestValidation > bestValidation * WORSE
                && fast.mean() < trainingAtBest) {
            return Condition.OVERFITS;
        }
        if (fresh && scale > SWOLLEN) {
            return Condition.SWELLS;
        }
        if (stagnates) {
            return Condition.STAGNATES;
        }
        return fresh && creeps ? Condition.CREEPS : Condition.HEALTHY;
    }

    private String words(Condition now, long step) {
        return switch (now) {
            case HEALTHY -> null;
            case EXPLODES ->
                text(
                        "The loss explodes: a mean of %.3f at step %d, after %.3f at step %d. Lower %s or lengthen"
                                + " warmup_steps (now %d)%s",
                        fast.mean(), step, lowest, lowestAt, rates(), settings.warmupSteps(), clipping());
            case JUMPED ->
                text(
                        "The loss jumped at step %d: %.3f, where %.3f was usual.%s If it happens again, lower %s%s",
                        jumpedAt, jumpedTo, jumpedFrom, places(offsets.apply(jumpedAt)), rates(), clipping());
            case OVERFITS ->
                text(
                        "The run overfits since step %d: the validation loss went from %.3f to %.3f in %d evaluations while"
                                + " the training loss fell from %.3f to %.3f. The checkpoint of step %d is the best. Raise dropout"
                                + " (now %s), take fewer steps (now %d) or a longer text; patience (now %d) ends such a run by"
                                + " itself",
                        bestAt,
                        bestValidation,
                        newestValidation,
                        evaluationsSinceBest,
                        trainingAtBest,
                        fast.mean(),
                        bestAt,
                        settings.dropout(),
                        settings.steps(),
                        settings.patience());
            case SWELLS ->
                text(
                        "The activations swell: %.0f after layer %d at step %d, 1 to 20 is usual, because the weights grew too"
                                + " far. Lower %s or lengthen warmup_steps (now %d)",
                        scale, scaleLayer, measuredAt, rates(), settings.warmupSteps());
            case CREEPS ->
                text(
                        "The weights hardly move: a step changes them by %s of their size at step %d, 0.001 to 0.03 is usual."
                                + " Raise %s; --sweep learning_rate=%s compares",
                        number(ratio),
                        measuredAt,
                        rates(),
                        number(settings.learningRate() * 3) + "," + number(settings.learningRate() * 10));
            case STAGNATES ->
                text(
                        "The loss stands still: %.3f over the %d steps up to step %d, %.3f %d steps before. Change %s"
                                + " threefold, up if the loss is smooth and down if it is not; --sweep learning_rate=%s compares",
                        stretchMeans[2],
                        stretch,
                        step,
                        stretchMeans[0],
                        2 * stretch,
                        rates(),
                        number(settings.learningRate() / 3) + "," + number(settings.learningRate() * 3));
        };
    }

    private String rates() {
        String adam = "learning_rate (now " + number(settings.learningRate()) + ")";
        return settings.optimizer().equals("muon")
                ? adam + " and muon_learning_rate (now " + number(settings.muonLearningRate()) + ")"
                : adam;
    }

    private String clipping() {
        return settings.gradientClip() == 0 ? ", and set gradient_clip to 1" : "";
    }

    private static String places(long[] starts) {
        if (starts.length == 0) {
            return "";
        }
        String shown = Arrays.stream(starts)
                .limit(OFFSETS_SHOWN)
                .mapToObj(Long::toString)
                .collect(Collectors.joining(", "));
        int more = starts.length - OFFSETS_SHOWN;
        return " The windows of its batch begin at token " + (more > 0 ? shown + " and " + more + " more" : shown)
                + " of the training split; look at the text there.";
    }

    private static String number(double value) {
        return new BigDecimal(value, new MathContext(2)).stripTrailingZeros().toPlainString();
    }

    private static String text(String format, Object... values) {
        return String.format(Locale.ROOT, format, values);
    }

    /** Mean and deviation: of everything at first, then with exponentially less weight of what is long past. */
    private static final class RunningMean {
        private final int memory;
        private long count;
        private double mean;
        private double variance;

        RunningMean(int memory) {
            this.memory = memory;
        }

        void add(double value) {
            count++;
            double weight = 1.0 / Math.min(count, memory);
            double difference = value - mean;
            mean += weight * difference;
            variance = (1 - weight) * (variance + weight * difference * difference);
        }

        long count() {
            return count;
        }

        double mean() {
            return mean;
        }

        double deviation() {
            return Math.sqrt(variance);
        }
    }
}

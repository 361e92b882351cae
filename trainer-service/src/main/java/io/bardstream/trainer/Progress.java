package io.bardstream.trainer;

import io.bardstream.event.Hyperparameters;
import io.bardstream.event.StepMetrics;
import io.bardstream.gpt.Gpt;
import io.bardstream.kernel.MatmulPeak;
import io.bardstream.train.StepResult;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jboss.logging.Logger;

/**
 * What a run tells of itself: at most a thousand times evenly over its steps, but at least every tenth step, and whenever it
 * was evaluated or sampled. Rates count the training steps alone; the time left counts everything.
 */
final class Progress {
    private static final Logger LOG = Logger.getLogger(Progress.class);
    private static final int REPORTS = 1_000;
    private static final int MOST_STEPS_BETWEEN = 10;

    private final String run;
    private final Hyperparameters settings;
    private final double utilisation; // of one token a second

    private long firstStep;
    private long tokens;
    private long begun; // nanoseconds
    private long stepBegun;

    // Since the last report:
    private long steps;
    private long tokensSince;
    private double losses;
    private long trainedNanos;

    // Of the last step:
    private double learningRate;
    private double gradientNorm;

    private Double validationLoss;
    private Double bitsPerByte;
    private List<Double> updateRatios;
    private List<Double> activationScales;
    private SampleWriter.Sample sample;
    private String verdict;

    Progress(String run, Hyperparameters settings, Gpt gpt) {
        this.run = run;
        this.settings = settings;
        this.utilisation =
                gpt.config().trainingFlopsPerToken(settings.contextLength()) / MatmulPeak.quickly(gpt.compute());
    }

    /** @param tokensBefore that were trained on in the steps before */
    void begin(long step, long tokensBefore) {
        firstStep = step;
        tokens = tokensBefore;
        begun = System.nanoTime();
    }

    void stepBegins() {
        stepBegun = System.nanoTime();
    }

    void stepped(double rate, StepResult result) {
        trainedNanos += System.nanoTime() - stepBegun;
        steps++;
        tokens += result.tokens();
        tokensSince += result.tokens();
        losses += result.loss();
        learningRate = rate;
        gradientNorm = result.gradientNorm();
    }

    void evaluated(double loss, Double bits) {
        validationLoss = loss;
        bitsPerByte = bits;
    }

    void measured(List<Double> ratios, List<Double> scales) {
        updateRatios = ratios;
        activationScales = scales;
    }

    void sampled(SampleWriter.Sample text) {
        sample = text;
    }

    /** Takes what is wrong with the run; it stands in every report until it changes. Says, and logs, whether it is new. */
    boolean judged(Optional<String> words) {
        if (words.equals(Optional.ofNullable(verdict))) {
            return false;
        }
        verdict = words.orElse(null);
        words.ifPresentOrElse(
                text -> LOG.warnf("Run %s: %s", run, text), () -> LOG.infof("Run %s is healthy again", run));
        return true;
    }

    /** Tokens trained on so far, in this process and before. */
    long tokens() {
        return tokens;
    }

    /** The report of a step, if one is due; called once for each step. */
    Optional<StepMetrics> report(long step, boolean inAnyCase) {
        long interval = Math.max(1, Math.min(MOST_STEPS_BETWEEN, settings.steps() / REPORTS));
        Optional<StepMetrics> report =
                inAnyCase || step % interval == 0 ? Optional.of(metrics(step)) : Optional.empty();
        if (report.isPresent()) {
            steps = 0;
            tokensSince = 0;
            losses = 0;
            trainedNanos = 0;
            validationLoss = null;
            bitsPerByte = null;
            updateRatios = null;
            activationScales = null;
            sample = null;
        }
        return report;
    }

    private StepMetrics metrics(long step) {
        double secondsPerStep = (System.nanoTime() - begun) / 1e9 / (step - firstStep);
        double tokensPerSecond = tokensSince / (trainedNanos / 1e9);
        return new StepMetrics(
                        run,
                        step,
                        settings.steps(),
                        tokens,
                        losses / steps,
                        learningRate,
                        gradientNorm,
                        tokensPerSecond,
                        (settings.steps() - step) * secondsPerStep,
                        validationLoss,
                        bitsPerByte,
                        sample == null ? null : sample.text(),
                        sample == null ? null : sample.longestCopy(),
                        verdict,
                        Instant.now())
                .with(tokensPerSecond * utilisation, updateRatios, activationScales);
    }
}

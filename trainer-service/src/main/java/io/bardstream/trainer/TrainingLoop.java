package io.bardstream.trainer;

import io.bardstream.checkpoint.HuggingFaceFormat;
import io.bardstream.checkpoint.Lineage;
import io.bardstream.checkpoint.ModelConfig;
import io.bardstream.event.Checkpoint;
import io.bardstream.event.Hyperparameters;
import io.bardstream.gpt.Gpt;
import io.bardstream.gpt.GptConfig;
import io.bardstream.tokenizer.SpecialTokens;
import io.bardstream.train.GradientStats;
import io.bardstream.train.LrSchedule;
import io.bardstream.train.NotFiniteException;
import io.bardstream.train.Objective;
import io.bardstream.train.StepResult;
import io.bardstream.train.TrainStep;
import io.bardstream.training.EngineLineage;
import io.bardstream.training.ResumePoint;
import io.bardstream.training.Snapshot;
import io.bardstream.training.TrainingRun;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;

/**
 * How a policy is trained at any {@link Task}, in the manner of nanoGPT's {@code train.py}.
 *
 * <p>Departures from it: the batches of step N are known from (seed, N) alone, so that a run that was interrupted ends with
 * the weights it would have had; and what is best by validation is announced as soon as it is saved.
 *
 * <p>An evaluation is due every {@code evaluation_interval} steps, at the last step, and once after a tenth of the first
 * interval, so that there is something to serve soon.
 */
final class TrainingLoop {
    private static final String TRAINING_LOSS = "training_loss";
    private static final String EVALUATIONS_SINCE_BEST = "evaluations_since_best";
    private static final int EARLY = 10;

    private final TrainingRun run;
    private final Gpt gpt;
    private final TrainStep trainStep;
    private final Task task;
    private final Hyperparameters settings;
    private final LrSchedule schedule;
    private final Progress progress;
    private final Diagnosis diagnosis;
    private final CompletableFuture<Lineage.Engine> engine;

    private double best = Double.POSITIVE_INFINITY; // nats a token
    private int evaluationsSinceBest;
    private String lastGood = "none yet";
    private long tokens; // seen by earlier owners of the run

    TrainingLoop(TrainingRun run, Gpt gpt, TrainStep trainStep, Task task) {
        this.run = run;
        this.gpt = gpt;
        this.trainStep = trainStep;
        this.task = task;
        this.settings = run.request().hyperparameters();
        this.schedule = LrSchedule.of(settings);
        this.progress = new Progress(run.request().runId(), settings, gpt);
        this.diagnosis = new Diagnosis(settings, run.request().parent() == null, step -> task.offsets(step - 1));
        this.engine = CompletableFuture.supplyAsync(() -> EngineLineage.of(gpt.compute()));
    }

    /** Trains from the beginning, or on from where the run was left. */
    void train(Optional<ResumePoint> resume) throws IOException, InterruptedException {
        long step = resume.map(this::restore).orElse(0L);
        progress.begin(step, tokens);
        while (step < settings.steps() && !outOfPatience() && !run.interrupted()) {
            double learningRate = schedule.at(step);
            StepResult result = isEvaluation(step + 1) ? measuredStep(step, learningRate) : step(step, learningRate);
            step++;
            diagnosis.stepped(step, learningRate, result.loss());

            Map<String, Double> measured = new TreeMap<>(Map.of(TRAINING_LOSS, result.loss()));
            boolean better = isEvaluation(step) && evaluate(step, measured);
            boolean last = step == settings.steps() || outOfPatience() || run.interrupted();
            boolean saved = better || last || step % settings.checkpointInterval() == 0;
            if (isSample(step)) {
                progress.sampled(task.sample(gpt, step));
            }
            boolean told = progress.judged(diagnosis.verdict());
            progress.report(step, told || saved || isEvaluation(step) || isSample(step))
                    .ifPresent(run::report);
            if (saved) {
                save(step, better, measured);
            }
        }
    }

    /** A step of which it is known, too, how far it moves each layer's weights. */
    private StepResult measuredStep(long step, double learningRate) {
        try (GradientStats stats = GradientStats.before(gpt)) {
            StepResult result = step(step, learningRate);
            List<Double> updateRatios = stats.updateRatios();
            List<Double> activationScales = GradientStats.activationScales(gpt, task.microBatch(step, 0));
            progress.measured(updateRatios, activationScales);
            diagnosis.measured(step + 1, learningRate, updateRatios, activationScales);
            return result;
        }
    }

    /** Forward, backward, accumulate, clip, update. */
    private StepResult step(long step, double learningRate) {
        progress.stepBegins();
        List<? extends Objective> microBatches = IntStream.range(0, settings.gradientAccumulation())
                .mapToObj(micro -> task.microBatch(step, micro))
                .toList();
        try {
            StepResult result = trainStep.advance(step, learningRate, microBatches);
            progress.stepped(learningRate, result);
            return result;
        } catch (NotFiniteException e) {
            throw new IllegalStateException(
                    "Stopped after " + step + " steps: " + e.getMessage() + ". The last good checkpoint is " + lastGood,
                    e);
        }
    }

    /** Measures the loss on the validation split; says whether it is the best so far. */
    private boolean evaluate(long step, Map<String, Double> measured) {
        Task.Validation result = task.validate(gpt);
        if (!Double.isFinite(result.loss())) {
            throw new IllegalStateException("Stopped after " + step + " steps: the validation loss is " + result.loss()
                    + ". The last good checkpoint is " + lastGood + "; lower learning_rate or lengthen warmup_steps");
        }
        boolean better = result.loss() < best;
        best = Math.min(best, result.loss());
        evaluationsSinceBest = better ? 0 : evaluationsSinceBest + 1;
        measured.put(Checkpoint.VALIDATION_LOSS, result.loss());
        if (result.bitsPerByte() != null) {
            measured.put(Checkpoint.BITS_PER_BYTE, result.bitsPerByte());
        }
        measured.putAll(result.more());
        progress.evaluated(result.loss(), result.bitsPerByte());
        diagnosis.evaluated(step, result.loss());
        return better;
    }

    private boolean isEvaluation(long step) {
        return step % settings.evaluationInterval() == 0
                || step == settings.steps()
                || step == Math.max(1, settings.evaluationInterval() / EARLY);
    }

    private boolean isSample(long step) {
        return settings.sampleInterval() > 0 && (step % settings.sampleInterval() == 0 || step == settings.steps());
    }

    private boolean outOfPatience() {
        return settings.patience() > 0 && evaluationsSinceBest >= settings.patience();
    }

    private void save(long step, boolean better, Map<String, Double> measured)
            throws IOException, InterruptedException {
        measured.put(Checkpoint.TOKENS, (double) progress.tokens());
        if (best < Double.POSITIVE_INFINITY) {
            measured.put(TrainingRun.BEST_VALIDATION_LOSS, best);
        }
        measured.put(EVALUATIONS_SINCE_BEST, (double) evaluationsSinceBest);
        Snapshot snapshot =
                new Snapshot(step, better, task.describe(config(run, gpt)), engine.join(), measured, folder -> {
                    gpt.save(folder.resolve(HuggingFaceFormat.WEIGHTS));
                    trainStep.saveOptimizer(folder.resolve(HuggingFaceFormat.OPTIMIZER));
                });
        lastGood = run.save(snapshot).id();
    }

    /** Takes up what {@link #save} left; weights and optimizer have been read already. */
    private long restore(ResumePoint point) {
        best = point.metrics().getOrDefault(TrainingRun.BEST_VALIDATION_LOSS, Double.POSITIVE_INFINITY);
        evaluationsSinceBest =
                point.metrics().getOrDefault(EVALUATIONS_SINCE_BEST, 0.0).intValue();
        lastGood = point.lineage().checkpoint();
        tokens = point.metrics().getOrDefault(Checkpoint.TOKENS, 0.0).longValue();
        return point.step();
    }

    /** What a checkpoint's {@code config.json} says of a policy. */
    static ModelConfig config(TrainingRun run, Gpt policy) {
        GptConfig shape = policy.config();
        OptionalInt pad = run.tokenizer().specialToken(SpecialTokens.PAD);
        return new ModelConfig(
                shape.vocabularySize(),
                shape.contextLength(),
                shape.width(),
                shape.layers(),
                shape.heads(),
                run.tokenizer().endOfText(),
                pad.isPresent() ? pad.getAsInt() : null,
                run.request().hyperparameters().dropout());
    }
}

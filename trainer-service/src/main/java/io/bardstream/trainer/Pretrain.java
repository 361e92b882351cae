package io.bardstream.trainer;

import io.bardstream.checkpoint.HuggingFaceFormat;
import io.bardstream.checkpoint.Lineage;
import io.bardstream.checkpoint.ModelConfig;
import io.bardstream.event.Checkpoint;
import io.bardstream.event.Dataset.Split;
import io.bardstream.event.Hyperparameters;
import io.bardstream.gpt.Gpt;
import io.bardstream.gpt.GptConfig;
import io.bardstream.tokenizer.SpecialTokens;
import io.bardstream.train.Batch;
import io.bardstream.train.Evaluation;
import io.bardstream.train.LrSchedule;
import io.bardstream.train.NotFiniteException;
import io.bardstream.train.StepResult;
import io.bardstream.train.TokenSampler;
import io.bardstream.train.TokenSource;
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
 * Pretraining: the next token of raw text, in the manner of nanoGPT's {@code train.py}.
 *
 * <p>Departures from it: the windows of step N are known from (seed, N) alone, so that a run that was interrupted ends with
 * the weights it would have had; the validation split is covered once, or its first {@code evaluation_batches} batches, rather
 * than sampled; and what is best by validation is announced as soon as it is saved.
 *
 * <p>An evaluation is due every {@code evaluation_interval} steps, at the last step, and once after a tenth of the first
 * interval, so that there is something to serve soon.
 */
final class Pretrain {
    private static final String TRAINING_LOSS = "training_loss";
    private static final String EVALUATIONS_SINCE_BEST = "evaluations_since_best";
    private static final int EARLY = 10;

    private final TrainingRun run;
    private final Gpt gpt;
    private final TrainStep trainStep;
    private final TokenSource validation;
    private final Hyperparameters settings;
    private final LrSchedule schedule;
    private final TokenSampler windows;
    private final SampleWriter samples;
    private final Progress progress;
    private final CompletableFuture<Lineage.Engine> engine;

    private double best = Double.POSITIVE_INFINITY; // nats a token
    private int evaluationsSinceBest;
    private String lastGood = "none yet";

    Pretrain(TrainingRun run, Gpt gpt, TrainStep trainStep, TokenSource training, TokenSource validation) {
        this.run = run;
        this.gpt = gpt;
        this.trainStep = trainStep;
        this.validation = validation;
        this.settings = run.request().hyperparameters();
        this.schedule = LrSchedule.of(settings);
        this.windows = new TokenSampler(
                training,
                settings.contextLength(),
                settings.batchSize(),
                run.request().seed());
        this.samples = new SampleWriter(run.tokenizer(), training, run.request().seed());
        this.progress = new Progress(run.request().runId(), settings);
        this.engine = CompletableFuture.supplyAsync(() -> EngineLineage.of(gpt.compute()));
    }

    /** Trains from the beginning, or on from where the run was left. */
    void train(Optional<ResumePoint> resume) throws IOException, InterruptedException {
        long step = resume.map(this::restore).orElse(0L);
        progress.begin(step);
        while (step < settings.steps() && !outOfPatience() && !run.interrupted()) {
            progress.stepBegins();
            double learningRate = schedule.at(step);
            StepResult result = step(step, learningRate); // forward, backward, accumulate, clip, update
            step++;
            progress.stepped(step, learningRate, result);

            Map<String, Double> measured = new TreeMap<>(Map.of(TRAINING_LOSS, result.loss()));
            boolean better = isEvaluation(step) && evaluate(step, measured);
            boolean last = step == settings.steps() || outOfPatience() || run.interrupted();
            boolean saved = better || last || step % settings.checkpointInterval() == 0;
            if (isSample(step)) {
                progress.sampled(samples.write(gpt, step));
            }
            progress.report(step, saved || isEvaluation(step) || isSample(step)).ifPresent(run::report);
            if (saved) {
                save(step, better, measured);
            }
        }
    }

    private StepResult step(long step, double learningRate) {
        List<Batch> microBatches = IntStream.range(0, settings.gradientAccumulation())
                .mapToObj(micro -> windows.batch(step, micro)) // B windows of T tokens each
                .toList();
        try {
            return trainStep.step(step, learningRate, microBatches);
        } catch (NotFiniteException e) {
            throw new IllegalStateException(
                    "Stopped after " + step + " steps: " + e.getMessage() + ". The last good checkpoint is " + lastGood,
                    e);
        }
    }

    /** Measures the loss on the validation split; says whether it is the best so far. */
    private boolean evaluate(long step, Map<String, Double> measured) {
        Evaluation.Result result = Evaluation.evaluate(
                gpt, validation, settings.contextLength(), settings.batchSize(), settings.evaluationBatches());
        if (!Double.isFinite(result.loss())) {
            throw new IllegalStateException("Stopped after " + step + " steps: the validation loss is " + result.loss()
                    + ". The last good checkpoint is " + lastGood + "; lower learning_rate or lengthen warmup_steps");
        }
        Split split = run.dataset().split(Split.VALIDATION).orElseThrow();
        double bitsPerByte = result.bitsPerByte(split.tokens(), split.bytes());
        boolean better = result.loss() < best;
        best = Math.min(best, result.loss());
        evaluationsSinceBest = better ? 0 : evaluationsSinceBest + 1;
        measured.put(Checkpoint.VALIDATION_LOSS, result.loss());
        measured.put(Checkpoint.BITS_PER_BYTE, bitsPerByte);
        progress.evaluated(result.loss(), bitsPerByte);
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
        measured.put(Checkpoint.TOKENS, (double) progress.tokens(step));
        if (best < Double.POSITIVE_INFINITY) {
            measured.put(TrainingRun.BEST_VALIDATION_LOSS, best);
        }
        measured.put(EVALUATIONS_SINCE_BEST, (double) evaluationsSinceBest);
        Snapshot snapshot = new Snapshot(step, better, config(), engine.join(), measured, folder -> {
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
        return point.step();
    }

    private ModelConfig config() {
        GptConfig shape = gpt.config();
        OptionalInt pad = run.tokenizer().specialToken(SpecialTokens.PAD);
        return new ModelConfig(
                shape.vocabularySize(),
                shape.contextLength(),
                shape.width(),
                shape.layers(),
                shape.heads(),
                run.tokenizer().endOfText(),
                pad.isPresent() ? pad.getAsInt() : null,
                settings.dropout());
    }
}

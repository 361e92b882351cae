package io.bardstream.reward;

import io.bardstream.checkpoint.CheckpointStore;
import io.bardstream.checkpoint.HuggingFaceFormat;
import io.bardstream.checkpoint.Lineage;
import io.bardstream.checkpoint.ModelConfig;
import io.bardstream.checkpoint.ModelConfig.RewardScale;
import io.bardstream.event.Checkpoint;
import io.bardstream.event.Hyperparameters;
import io.bardstream.event.RewardSettings.Trunk;
import io.bardstream.event.StepMetrics;
import io.bardstream.gpt.Gpt;
import io.bardstream.gpt.RewardModel;
import io.bardstream.reward.HeldOut.Prediction;
import io.bardstream.train.Response;
import io.bardstream.train.Rollout;
import io.bardstream.train.StepResult;
import io.bardstream.train.TrainStep;
import io.bardstream.training.JudgedPair;
import io.bardstream.training.ResumePoint;
import io.bardstream.training.Snapshot;
import io.bardstream.training.TrainingRun;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/**
 * Trains a reward model (Stiennon et al. 2020, section 3.4): the policy with a head that scores the last token, from pairs.
 * The head is fitted alone, on the frozen policy, and the whole model is tuned from there, unless the request wants the policy
 * frozen. It is then judged on pairs whose prompts it has not seen, by cross-validation where these are few, and scaled to mean 0
 * and deviation 1 over what the policy answers to the prompts of the training pairs.
 *
 * <p>A pure function of pairs, parent, settings and seed. Pairs that do not fit the context are left out and counted.
 */
final class RewardTraining {
    /** Names in a checkpoint's metrics. */
    static final String PAIRS = "pairs";

    static final String TOO_LONG = "pairs_too_long";
    static final String END_OFFSET = "preferences_end";
    static final String CALIBRATION_ERROR = "calibration_error";

    private static final int REFERENCE_SAMPLES = 128;

    /** Fewer pairs to train on than this are judged by cross-validation, too: their held-out prompts are too few. */
    private static final int CROSS_VALIDATED = 200;

    private final TrainingRun run;
    private final Hyperparameters settings;
    private final Gpt gpt;
    private final Path parent;
    private final Lineage.Engine engine;
    private final List<JudgedText> training = new ArrayList<>();
    private final List<JudgedText> heldOut = new ArrayList<>();
    private final RewardFit fit;
    private final Map<String, Double> measured = new HashMap<>();
    private Double loss;
    private long tokens;

    /** @param parent folder of the policy that the model is made of */
    RewardTraining(
            TrainingRun run, List<JudgedPair> pairs, long endOffset, Gpt gpt, Path parent, Lineage.Engine engine) {
        this.run = run;
        this.settings = run.request().hyperparameters();
        this.gpt = gpt;
        this.parent = parent;
        this.engine = engine;
        for (JudgedPair pair : pairs) {
            JudgedText text = JudgedText.of(pair, run.tokenizer());
            if (text.longest() > settings.contextLength()) {
                measured.merge(TOO_LONG, 1.0, Double::sum);
            } else {
                (pair.heldOut() ? heldOut : training).add(text);
            }
        }
        if (training.isEmpty()) {
            throw new IllegalArgumentException(
                    "of %d pairs none is left to train on; judge pairs of more prompts, or of shorter texts"
                            .formatted(pairs.size()));
        }
        this.fit = new RewardFit(training, settings, run.request().seed());
        measured.put(END_OFFSET, (double) endOffset);
        measured.put(PAIRS, (double) training.size());
    }

    /** Fits the head alone. */
    void fitHead() throws IOException, InterruptedException {
        fit.head(gpt);
        judge();
        if (run.interrupted()) {
            return;
        }
        save(settings.steps(), folder -> gpt.save(folder.resolve(HuggingFaceFormat.WEIGHTS)));
    }

    /** Tunes the whole model, from a head that fits, or from where an earlier owner of the run left off. */
    void tune(TrainStep trainStep, Optional<ResumePoint> resume) throws IOException, InterruptedException {
        long begin = resume.map(this::restore).orElse(0L);
        if (begin == 0) {
            fit.head(gpt);
        }
        for (long step = begin; step < settings.steps() && !run.interrupted(); step++) {
            StepResult result = fit.step(trainStep, step);
            loss = result.loss();
            tokens += result.tokens();
            boolean last = step + 1 == settings.steps();
            if (last) {
                judge();
                if (run.interrupted()) {
                    return;
                }
            } else {
                run.report(metrics(step + 1, fit.rate(step), result.gradientNorm(), null));
            }
            if (last || (step + 1) % settings.checkpointInterval() == 0) {
                save(step + 1, folder -> {
                    gpt.save(folder.resolve(HuggingFaceFormat.WEIGHTS));
                    trainStep.saveOptimizer(folder.resolve(HuggingFaceFormat.OPTIMIZER));
                });
            }
        }
    }

    /** Takes up what {@link #save} left; weights and optimizer have been read already. */
    private long restore(ResumePoint point) {
        tokens = point.metrics().getOrDefault(Checkpoint.TOKENS, 0.0).longValue();
        return point.step();
    }

    /** A model that is made in the same way of some of the pairs. */
    private Gpt madeOf(List<JudgedText> some) throws IOException {
        int steps = Math.max(1, Math.round((float) settings.steps() * some.size() / training.size()));
        long seed = run.request().seed();
        RewardFit foldFit = new RewardFit(some, settings.with(Map.of("steps", steps)), seed);
        Gpt fresh = Gpt.loadWithScalarHead(parent, gpt.compute());
        foldFit.head(fresh);
        if (settings.reward().trunk() == Trunk.TUNED) {
            try (TrainStep trainStep = TrainStep.of(fresh, settings, seed)) {
                for (int step = 0; step < steps && !run.interrupted(); step++) {
                    foldFit.step(trainStep, step);
                }
            }
        }
        return fresh;
    }

    /** Judges pairs that were not trained on, and measures the judgements, unless the run is interrupted meanwhile. */
    private void judge() throws IOException {
        List<Prediction> predictions = new ArrayList<>(RewardFit.predictions(gpt, heldOut));
        if (training.size() < CROSS_VALIDATED) {
            predictions.addAll(CrossValidation.judge(training, gpt.compute(), this::madeOf));
        }
        if (run.interrupted()) {
            return;
        }
        HeldOut result = HeldOut.of(predictions);
        RewardGate gate = RewardGate.of(result);
        measured.put(RewardGate.HELD_OUT, (double) result.accuracy().of());
        measured.put(RewardGate.RIGHT, (double) result.accuracy().count());
        measured.put(RewardGate.PASSED, gate.passed() ? 1.0 : 0.0);
        measured.put(CALIBRATION_ERROR, result.calibrationError());
        measured.put(Checkpoint.VALIDATION_LOSS, result.loss());
        measured.put(TrainingRun.BEST_VALIDATION_LOSS, result.loss());
        run.report(metrics(settings.steps(), null, null, gate));
    }

    private StepMetrics metrics(long step, Double rate, Double gradientNorm, RewardGate gate) {
        return new StepMetrics(
                run.request().runId(),
                step,
                settings.steps(),
                tokens,
                loss,
                rate,
                gradientNorm,
                null,
                null,
                measured.get(Checkpoint.VALIDATION_LOSS),
                null,
                null,
                null,
                gate == null || gate.passed() ? null : gate.reason(),
                Instant.now());
    }

    private void save(long step, CheckpointStore.Contents tensors) throws IOException, InterruptedException {
        measured.put(Checkpoint.TOKENS, (double) tokens);
        boolean last = step == settings.steps();
        RewardScale scale = last ? scale() : new RewardScale(1, 0);
        ModelConfig config = HuggingFaceFormat.readConfig(parent).withReward(scale);
        run.save(new Snapshot(step, last, config, engine, measured, tensors));
    }

    /** Mean 0 and deviation 1 over the policy's own answers, no longer than the longest that was judged. */
    private RewardScale scale() throws IOException {
        List<int[]> prompts = IntStream.range(0, REFERENCE_SAMPLES)
                .mapToObj(i -> training.get(i % training.size()).prompt())
                .toList();
        int longest =
                training.stream().mapToInt(JudgedText::longestResponse).max().orElseThrow();
        List<int[]> texts;
        try (Gpt policy = Gpt.load(parent, gpt.compute())) {
            texts = new Rollout(run.tokenizer(), 1, Math.max(1, longest))
                    .sample(policy, prompts, run.request().seed()).stream()
                            .map(Response::judged)
                            .toList();
        }
        double[] scores = RewardModel.scores(gpt, texts);
        double mean = Arrays.stream(scores).average().orElseThrow();
        double variance = DoubleStream.of(scores)
                .map(score -> (score - mean) * (score - mean))
                .average()
                .orElseThrow();
        double gain = 1 / Math.sqrt(variance + 1e-12);
        return new RewardScale(gain, -mean * gain);
    }
}

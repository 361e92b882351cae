package io.bardstream.reward;

import io.bardstream.checkpoint.CheckpointStore;
import io.bardstream.checkpoint.HuggingFaceFormat;
import io.bardstream.checkpoint.Lineage;
import io.bardstream.checkpoint.ModelConfig;
import io.bardstream.checkpoint.ModelConfig.RewardScale;
import io.bardstream.event.Checkpoint;
import io.bardstream.event.Hyperparameters;
import io.bardstream.event.StepMetrics;
import io.bardstream.gpt.Gpt;
import io.bardstream.gpt.RewardModel;
import io.bardstream.reward.HeldOut.Prediction;
import io.bardstream.train.EpochOrder;
import io.bardstream.train.LrSchedule;
import io.bardstream.train.Pairwise;
import io.bardstream.train.StepResult;
import io.bardstream.train.TrainStep;
import io.bardstream.training.JudgedPair;
import io.bardstream.training.ResumePoint;
import io.bardstream.training.Snapshot;
import io.bardstream.training.TrainingRun;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;

/**
 * Trains a reward model (Stiennon et al. 2020, section 3.4): the policy with a head that scores the last token, from pairs.
 * Few pairs fit the head alone, on the frozen policy; with more the whole model is tuned by gradient steps. Either way it is
 * then judged on pairs whose prompts it has not seen, and scaled to mean 0 and deviation 1 over the texts of the training
 * pairs, which the policy wrote.
 *
 * <p>A pure function of pairs, parent, settings and seed. Pairs that do not fit the context are left out and counted.
 */
final class RewardTraining {
    /** Names in a checkpoint's metrics. */
    static final String PAIRS = "pairs";

    static final String TOO_LONG = "pairs_too_long";
    static final String END_OFFSET = "preferences_end";
    static final String CALIBRATION_ERROR = "calibration_error";
    static final String RIDGE = "ridge";

    private final TrainingRun run;
    private final Hyperparameters settings;
    private final Gpt gpt;
    private final ModelConfig parent;
    private final Lineage.Engine engine;
    private final List<Text> training = new ArrayList<>();
    private final List<Text> heldOut = new ArrayList<>();
    private final Map<String, Double> measured = new HashMap<>();
    private Double loss;
    private long tokens;

    /** A pair in tokens. */
    @SuppressWarnings("ArrayRecordComponent") // handed over, never compared
    private record Text(JudgedPair pair, int[] first, int[] second) {
        Pairwise.Pair pairwise() {
            return new Pairwise.Pair(first, second, pair.preference(), pair.votes());
        }
    }

    /** @param parent config of the model that is trained */
    RewardTraining(
            TrainingRun run,
            List<JudgedPair> pairs,
            long endOffset,
            Gpt gpt,
            ModelConfig parent,
            Lineage.Engine engine) {
        this.run = run;
        this.settings = run.request().hyperparameters();
        this.gpt = gpt;
        this.parent = parent;
        this.engine = engine;
        for (JudgedPair pair : pairs) {
            Text text = new Text(pair, pair.firstTokens(run.tokenizer()), pair.secondTokens(run.tokenizer()));
            if (Math.max(text.first().length, text.second().length) > settings.contextLength()) {
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
        measured.put(END_OFFSET, (double) endOffset);
        measured.put(PAIRS, (double) training.size());
    }

    /** Fits the head to the frozen policy's features. */
    void fitHead() throws IOException, InterruptedException {
        double[][] firsts =
                RewardModel.features(gpt, training.stream().map(Text::first).toList()); // (P, C)
        double[][] seconds =
                RewardModel.features(gpt, training.stream().map(Text::second).toList()); // (P, C)
        List<FrozenHead.Pair> pairs = new ArrayList<>();
        for (int i = 0; i < firsts.length; i++) {
            JudgedPair pair = training.get(i).pair();
            pairs.add(new FrozenHead.Pair(pair.prompt(), firsts[i], seconds[i], pair.preference(), pair.votes()));
        }
        FrozenHead head = FrozenHead.fit(pairs);
        gpt.scalarHead().set(head.weights());
        measured.put(RIDGE, head.ridge());
        judge(head.predictions());
        save(settings.steps(), folder -> gpt.save(folder.resolve(HuggingFaceFormat.WEIGHTS)));
    }

    /** Tunes the whole model, from where an earlier owner of the run left off. */
    void tune(TrainStep trainStep, Optional<ResumePoint> resume) throws IOException, InterruptedException {
        LrSchedule schedule = LrSchedule.of(settings);
        EpochOrder<Text> order = new EpochOrder<>(training, run.request().seed());
        long begin = resume.map(ResumePoint::step).orElse(0L);
        tokens = resume.map(point -> point.metrics().getOrDefault(Checkpoint.TOKENS, 0.0))
                .orElse(0.0)
                .longValue();
        for (long step = begin; step < settings.steps() && !run.interrupted(); step++) {
            StepResult result = trainStep.advance(step, schedule.at(step), List.of(batch(order, step)));
            loss = result.loss();
            tokens += result.tokens();
            if (step + 1 == settings.steps()) {
                judge(List.of());
            } else {
                run.report(metrics(step + 1, schedule.at(step), result.gradientNorm(), null));
            }
            if (step + 1 == settings.steps() || (step + 1) % settings.checkpointInterval() == 0) {
                save(step + 1, folder -> {
                    gpt.save(folder.resolve(HuggingFaceFormat.WEIGHTS));
                    trainStep.saveOptimizer(folder.resolve(HuggingFaceFormat.OPTIMIZER));
                });
            }
        }
    }

    private Pairwise batch(EpochOrder<Text> order, long step) {
        int rows = Math.min(settings.batchSize(), training.size());
        return Pairwise.of(
                order.draw(step * rows, rows).stream().map(Text::pairwise).toList());
    }

    /** Judges the held-out pairs, and measures all judgements of pairs that were not trained on. */
    private void judge(List<Prediction> crossValidated) {
        double[] first =
                RewardModel.scores(gpt, heldOut.stream().map(Text::first).toList());
        double[] second =
                RewardModel.scores(gpt, heldOut.stream().map(Text::second).toList());
        List<Prediction> predictions = new ArrayList<>(crossValidated);
        for (int i = 0; i < first.length; i++) {
            predictions.add(
                    new Prediction(first[i] - second[i], heldOut.get(i).pair().preference()));
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
        run.save(new Snapshot(step, last, parent.withReward(scale), engine, measured, tensors));
    }

    /** Mean 0 and deviation 1 over the texts that were trained on, all of them the policy's. */
    private RewardScale scale() {
        List<int[]> texts = training.stream()
                .flatMap(text -> Stream.of(text.first(), text.second()))
                .toList();
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

package io.bardstream.reward;

import io.bardstream.event.Hyperparameters;
import io.bardstream.gpt.Gpt;
import io.bardstream.gpt.RewardModel;
import io.bardstream.reward.HeldOut.Prediction;
import io.bardstream.train.EpochOrder;
import io.bardstream.train.LrSchedule;
import io.bardstream.train.Pairwise;
import io.bardstream.train.StepResult;
import io.bardstream.train.TrainStep;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * How a policy with a head learns from pairs: the head alone first, on the frozen policy, and then all weights from there
 * (Kumar et al. 2022), so that a first gradient of a head that knows nothing does not spoil what the policy knows.
 */
final class RewardFit {
    private final List<JudgedText> texts;
    private final Hyperparameters settings;
    private final LrSchedule schedule;
    private final EpochOrder<JudgedText> order;

    /** @param seed of the order in which tuning sees the pairs */
    RewardFit(List<JudgedText> texts, Hyperparameters settings, long seed) {
        this.texts = texts;
        this.settings = settings;
        this.schedule = LrSchedule.of(settings);
        this.order = new EpochOrder<>(texts, seed);
    }

    /** Fits the head to the hidden states of the policy as it is. */
    void head(Gpt gpt) {
        double[][] firsts =
                RewardModel.features(gpt, texts.stream().map(JudgedText::first).toList()); // (P, C)
        double[][] seconds =
                RewardModel.features(gpt, texts.stream().map(JudgedText::second).toList()); // (P, C)
        List<FrozenHead.Pair> pairs = new ArrayList<>();
        for (int i = 0; i < firsts.length; i++) {
            var pair = texts.get(i).pair();
            pairs.add(new FrozenHead.Pair(firsts[i], seconds[i], pair.preference(), pair.votes()));
        }
        gpt.scalarHead().set(FrozenHead.fit(pairs));
    }

    /** One step of tuning all weights, by micro-batches. */
    StepResult step(TrainStep trainStep, long step) {
        int batch = settings.batchSize();
        int all = Math.min(batch * settings.gradientAccumulation(), texts.size());
        List<Pairwise.Pair> drawn =
                order.draw(step * all, all).stream().map(JudgedText::pairwise).toList();
        List<Pairwise> microBatches = IntStream.iterate(0, first -> first < all, first -> first + batch)
                .mapToObj(first -> Pairwise.of(drawn.subList(first, Math.min(first + batch, all))))
                .toList();
        return trainStep.advance(step, rate(step), microBatches);
    }

    double rate(long step) {
        return schedule.at(step);
    }

    /** What a model thinks of pairs. */
    static List<Prediction> predictions(Gpt gpt, List<JudgedText> texts) {
        double[] first =
                RewardModel.scores(gpt, texts.stream().map(JudgedText::first).toList());
        double[] second =
                RewardModel.scores(gpt, texts.stream().map(JudgedText::second).toList());
        return IntStream.range(0, first.length)
                .mapToObj(i ->
                        new Prediction(first[i] - second[i], texts.get(i).pair().preference()))
                .toList();
    }
}

package io.bardstream.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.bardstream.reward.HeadFit.Example;
import io.bardstream.reward.HeldOut.Prediction;
import io.bardstream.train.BradleyTerry;
import io.bardstream.training.JudgedPair;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The arithmetic of judging with few pairs. */
class HeadFitTest {
    @Test
    void oneFeatureIsSolvedByHand() {
        // w with σ(w) − 1 + w/4 = 0 on one pair of difference 1 that was always won
        double w = HeadFit.fit(List.of(new Example(new double[] {1}, 1, 1)), 0.25)[0];

        assertThat(BradleyTerry.probability(w) - 1 + 0.25 * w).isCloseTo(0, within(1e-9));
        assertThat(w).isBetween(1.0, 1.1);
    }

    @Test
    void theSlopeVanishesAtTheFitAndWeightsCountAsRepetitions() {
        Random random = new Random(3);
        List<Example> once = new ArrayList<>();
        List<Example> repeated = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            double[] x = random.doubles(7, -1, 1).toArray();
            double preference = random.nextInt(3) / 2.0;
            int votes = 1 + i % 3;
            once.add(new Example(x, preference, votes));
            for (int vote = 0; vote < votes; vote++) {
                repeated.add(new Example(x, preference, 1));
            }
        }

        double[] w = HeadFit.fit(once, 0.1);
        double[] same = HeadFit.fit(repeated, 0.1);

        for (int i = 0; i < w.length; i++) {
            assertThat(same[i]).isCloseTo(w[i], within(1e-7));
            double up = loss(repeated, w, i, 1e-5);
            double down = loss(repeated, w, i, -1e-5);
            assertThat((up - down) / 2e-5).isCloseTo(0, within(1e-7));
        }
    }

    @Test
    void aTasteThatOneFeatureShowsIsFoundAmongTwentyInAnyScale() {
        Random random = new Random(7);
        List<FrozenHead.Pair> pairs = new ArrayList<>();
        List<FrozenHead.Pair> larger = new ArrayList<>();
        for (int i = 0; i < 120; i++) {
            double[] first = random.doubles(20, -1, 1).toArray();
            double[] second = random.doubles(20, -1, 1).toArray();
            double preference = first[3] > second[3] ? 1 : 0;
            pairs.add(new FrozenHead.Pair(first, second, preference, 1));
            larger.add(new FrozenHead.Pair(times(10, first), times(10, second), preference, 1));
        }

        float[] head = FrozenHead.fit(pairs);
        float[] ofLarger = FrozenHead.fit(larger);

        for (int i = 0; i < head.length; i++) {
            assertThat(i == 3 || Math.abs(head[i]) < head[3] / 3)
                    .as("weight " + i)
                    .isTrue();
            assertThat(ofLarger[i]).isCloseTo(head[i] / 10, within(1e-5f));
        }
        assertThatThrownBy(() -> FrozenHead.fit(List.of())).hasMessageContaining("no pair");
    }

    /** One vote against the prior of 0.3: texts at distance 1 from their mean have a difference of 2. */
    @Test
    void oneVoteIsWeighedAgainstThePriorByHand() {
        float w = FrozenHead.fit(List.of(new FrozenHead.Pair(new double[] {3}, new double[] {1}, 1, 1)))[0];

        assertThat(2 * (BradleyTerry.probability(2 * w) - 1) + 0.3 * w).isCloseTo(0, within(1e-6));
    }

    @Test
    void foldsShareNoPromptAndAreTheMoreTheFewerPairsThereAre() {
        List<String> prompts =
                IntStream.range(0, 40).mapToObj(i -> "prompt " + i % 10).toList();

        int[] folds = CrossValidation.folds(prompts);

        for (int i = 0; i < folds.length; i++) {
            assertThat(folds[i]).isEqualTo(folds[i % 10]);
        }
        assertThat(IntStream.of(folds).distinct().count()).isEqualTo(8);
        assertThat(CrossValidation.foldCount(16)).isEqualTo(20);
        assertThat(CrossValidation.foldCount(64)).isEqualTo(5);
    }

    @Test
    void onePromptGivesNoHeldOutJudgementAndDoesNotPass() throws IOException {
        JudgedPair pair = new JudgedPair("one", "one", null, "a", "b", null, null, 1, 1);
        JudgedText text = new JudgedText(pair, new int[] {1}, new int[] {1, 2}, new int[] {1, 3});

        RewardGate gate = RewardGate.of(HeldOut.of(CrossValidation.judge(List.of(text, text), null, some -> {
            throw new AssertionError("there is nothing to train on");
        })));

        assertThat(gate.passed()).isFalse();
        assertThat(gate.reason()).contains("two different prompts");
    }

    @Test
    void accuracyCountsPairsWithAWinnerAndLossAllOfThem() {
        HeldOut heldOut = HeldOut.of(List.of(
                new Prediction(2, 1), new Prediction(-1, 0.25), new Prediction(0.5, 0), new Prediction(3, 0.5)));

        assertThat(heldOut.accuracy().count()).isEqualTo(2);
        assertThat(heldOut.accuracy().of()).isEqualTo(3);
        double expected =
                (0.126928011 + BradleyTerry.loss(-1, 0.25) + BradleyTerry.loss(0.5, 0) + BradleyTerry.loss(3, 0.5)) / 4;
        assertThat(heldOut.loss()).isCloseTo(expected, within(1e-9));
    }

    /** Of ten judgements made with confidence 0.8 eight are right: nothing is amiss. Were six right it would be 0.2. */
    @Test
    void calibrationErrorIsTheGapBetweenConfidenceAndAccuracy() {
        double difference = Math.log(4); // σ = 0.8
        List<Prediction> eight = new ArrayList<>();
        List<Prediction> six = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            eight.add(new Prediction(difference, i < 8 ? 1 : 0));
            six.add(new Prediction(difference, i < 6 ? 1 : 0));
        }

        assertThat(HeldOut.of(eight).calibrationError()).isCloseTo(0, within(1e-12));
        assertThat(HeldOut.of(six).calibrationError()).isCloseTo(0.2, within(1e-12));
    }

    @Test
    void theGateAsksForTheLowerEndOfTheInterval() {
        assertThat(gate(15, 20).passed()).isTrue(); // 53.1 to 88.8 %
        assertThat(gate(14, 20).passed()).isFalse(); // 48.1 to 85.5 %
        assertThat(gate(14, 20).reason()).contains("14 of 20", "70.0 %", "48.1 to 85.5 %", "may be chance");
        assertThat(gate(520, 1000).passed()).isFalse();
        assertThat(gate(540, 1000).passed()).isTrue();
    }

    private static double[] times(double factor, double... numbers) {
        return DoubleStream.of(numbers).map(number -> factor * number).toArray();
    }

    private static RewardGate gate(double right, double pairs) {
        return RewardGate.of(Map.of(RewardGate.RIGHT, right, RewardGate.HELD_OUT, pairs));
    }

    private static double loss(List<Example> examples, double[] w, int place, double shift) {
        double[] moved = w.clone();
        moved[place] += shift;
        double total = examples.stream().mapToDouble(Example::weight).sum();
        double sum = 0;
        for (Example example : examples) {
            sum += example.weight() * BradleyTerry.loss(HeadFit.dot(moved, example.difference()), example.preference());
        }
        return sum / total + 0.05 * HeadFit.dot(moved, moved);
    }
}

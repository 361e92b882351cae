package io.bardstream.reward;

import io.bardstream.reward.HeadFit.Example;
import java.util.List;

/**
 * A head on the frozen policy. Its features are hidden states at the last token, in one scale, so that a text is on average at
 * distance 1 from their mean. It is the most likely one under a normal prior whose strength was chosen once, by experiment, and not
 * on these pairs: so what cross-validation says of it is not flattered by a choice.
 */
final class FrozenHead {
    /** The prior's precision: its weight against that of one vote. docs/experiments.md, 2026-11-30. */
    private static final double PRIOR = 0.3;

    private FrozenHead() {}

    /** A pair in features. */
    @SuppressWarnings("ArrayRecordComponent") // handed over, never compared
    record Pair(double[] first, double[] second, double preference, int votes) {}

    /**
     * The weights of the head on the features as the model gives them.
     *
     * @throws IllegalArgumentException if there is no pair
     */
    static float[] fit(List<Pair> pairs) {
        if (pairs.isEmpty()) {
            throw new IllegalArgumentException("there is no pair to learn from");
        }
        double scale = scale(pairs);
        List<Example> examples =
                pairs.stream().map(pair -> example(pair, scale)).toList();
        double votes = examples.stream().mapToDouble(Example::weight).sum();
        double[] fitted = HeadFit.fit(examples, PRIOR / votes);
        float[] weights = new float[fitted.length];
        for (int i = 0; i < weights.length; i++) {
            weights[i] = (float) (fitted[i] / scale);
        }
        return weights;
    }

    private static Example example(Pair pair, double scale) {
        double[] difference = new double[pair.first().length];
        for (int i = 0; i < difference.length; i++) {
            difference[i] = (pair.first()[i] - pair.second()[i]) / scale;
        }
        return new Example(difference, pair.preference(), pair.votes());
    }

    /** The root mean square distance of the texts' features from their mean; 1 where all are the same. */
    private static double scale(List<Pair> pairs) {
        double variance = 0;
        for (int i = 0; i < pairs.get(0).first().length; i++) {
            double sum = 0;
            double squares = 0;
            for (Pair pair : pairs) {
                sum += pair.first()[i] + pair.second()[i];
                squares += pair.first()[i] * pair.first()[i] + pair.second()[i] * pair.second()[i];
            }
            double mean = sum / (2 * pairs.size());
            variance += squares / (2 * pairs.size()) - mean * mean;
        }
        return variance > 1e-12 ? Math.sqrt(variance) : 1;
    }
}

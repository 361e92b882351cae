package io.bardstream.reward;

import io.bardstream.event.Ids;
import io.bardstream.reward.HeadFit.Example;
import io.bardstream.reward.HeldOut.Prediction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A reward on frozen features: what to do with few preferences. The features are the policy's hidden states at the last
 * token, each scaled to deviation 1; the ridge is the one with the least loss in cross-validation, whose folds share no
 * prompt. So each pair is judged once by a head that has not seen its prompt, and twenty pairs give twenty held-out judgements.
 *
 * @param weights of the head on the features as the model gives them
 * @param ridge that was chosen
 * @param predictions of each pair by a head fitted to other prompts; none where all pairs have one prompt
 */
@SuppressWarnings("ArrayRecordComponent") // handed over, never compared
record FrozenHead(float[] weights, double ridge, List<Prediction> predictions) {
    static final int FOLDS = 5;
    private static final double[] RIDGES = {1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1, 3, 10};
    private static final double DEFAULT_RIDGE = 1;

    /** A pair in features. */
    @SuppressWarnings("ArrayRecordComponent") // handed over, never compared
    record Pair(String prompt, double[] first, double[] second, double preference, int votes) {}

    /** @throws IllegalArgumentException if there is no pair */
    static FrozenHead fit(List<Pair> pairs) {
        if (pairs.isEmpty()) {
            throw new IllegalArgumentException("there is no pair to learn from");
        }
        double[] deviations = deviations(pairs);
        List<Example> examples =
                pairs.stream().map(pair -> example(pair, deviations)).toList();
        int[] folds = folds(pairs.stream().map(Pair::prompt).toList());
        double best = DEFAULT_RIDGE;
        List<Prediction> predictions = List.of();
        if (folds.length > 0) {
            double least = Double.POSITIVE_INFINITY;
            for (double ridge : RIDGES) {
                List<Prediction> judged = crossValidate(examples, folds, ridge);
                double loss = HeldOut.of(judged).loss();
                if (loss < least) {
                    least = loss;
                    best = ridge;
                    predictions = judged;
                }
            }
        }
        return new FrozenHead(unscaled(HeadFit.fit(examples, best), deviations), best, predictions);
    }

    private static List<Prediction> crossValidate(List<Example> examples, int[] folds, double ridge) {
        Prediction[] predictions = new Prediction[folds.length];
        for (int fold = 0; fold < FOLDS; fold++) {
            List<Example> others = new ArrayList<>();
            for (int i = 0; i < folds.length; i++) {
                if (folds[i] != fold) {
                    others.add(examples.get(i));
                }
            }
            if (others.size() == folds.length) {
                continue; // fewer prompts than folds
            }
            double[] w = HeadFit.fit(others, ridge);
            for (int i = 0; i < folds.length; i++) {
                if (folds[i] == fold) {
                    Example example = examples.get(i);
                    predictions[i] = new Prediction(HeadFit.dot(w, example.difference()), example.preference());
                }
            }
        }
        return List.of(predictions);
    }

    /** The fold of each pair, the prompts in turn by their sha256; empty where there is but one prompt. */
    static int[] folds(List<String> promptOfEach) {
        List<String> prompts = promptOfEach.stream()
                .distinct()
                .sorted(Comparator.comparing(prompt -> Ids.sha256(prompt.getBytes(StandardCharsets.UTF_8))))
                .toList();
        if (prompts.size() < 2) {
            return new int[0];
        }
        Map<String, Integer> foldOf = new HashMap<>();
        for (int i = 0; i < prompts.size(); i++) {
            foldOf.put(prompts.get(i), i % FOLDS);
        }
        return promptOfEach.stream().mapToInt(foldOf::get).toArray();
    }

    private static Example example(Pair pair, double... deviations) {
        double[] difference = new double[deviations.length];
        for (int i = 0; i < difference.length; i++) {
            difference[i] = (pair.first()[i] - pair.second()[i]) / deviations[i];
        }
        return new Example(difference, pair.preference(), pair.votes());
    }

    private static double[] deviations(List<Pair> pairs) {
        int width = pairs.get(0).first().length;
        double[] deviations = new double[width];
        for (int i = 0; i < width; i++) {
            double sum = 0;
            double squares = 0;
            for (Pair pair : pairs) {
                sum += pair.first()[i] + pair.second()[i];
                squares += pair.first()[i] * pair.first()[i] + pair.second()[i] * pair.second()[i];
            }
            double mean = sum / (2 * pairs.size());
            double variance = squares / (2 * pairs.size()) - mean * mean;
            deviations[i] = variance > 1e-12 ? Math.sqrt(variance) : 1;
        }
        return deviations;
    }

    private static float[] unscaled(double[] weights, double... deviations) {
        float[] unscaled = new float[weights.length];
        for (int i = 0; i < weights.length; i++) {
            unscaled[i] = (float) (weights[i] / deviations[i]);
        }
        return unscaled;
    }
}

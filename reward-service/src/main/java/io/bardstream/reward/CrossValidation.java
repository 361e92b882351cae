package io.bardstream.reward;

import io.bardstream.event.Ids;
import io.bardstream.gpt.Gpt;
import io.bardstream.kernel.Compute;
import io.bardstream.reward.HeldOut.Prediction;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Judgements of pairs that there are too few of to keep some from training: each is judged once, by a model that was made in the
 * same way of the pairs of other prompts. So twenty pairs give twenty held-out judgements.
 */
final class CrossValidation {
    private static final int FEWEST_FOLDS = 5;
    private static final int MOST_FOLDS = 20;

    private CrossValidation() {}

    /** Makes a model of pairs. */
    @FunctionalInterface
    interface Recipe {
        Gpt of(List<JudgedText> some) throws IOException;
    }

    /** The judgements, fold by fold, two of which may be judged at once; none where all pairs have one prompt. */
    static List<Prediction> judge(List<JudgedText> texts, Compute compute, Recipe recipe) throws IOException {
        int[] folds = folds(texts.stream().map(text -> text.pair().prompt()).toList());
        List<Prediction> predictions = new ArrayList<>();
        try {
            for (int fold = 0; folds.length > 0 && fold < foldCount(folds.length); fold += 2) {
                List<Prediction> first = new ArrayList<>();
                List<Prediction> second = new ArrayList<>();
                int even = fold;
                compute.both(
                        () -> first.addAll(judge(texts, folds, even, recipe)),
                        () -> second.addAll(judge(texts, folds, even + 1, recipe)));
                predictions.addAll(first);
                predictions.addAll(second);
            }
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
        return predictions;
    }

    /** The judgements of one fold; none where it is empty. */
    private static List<Prediction> judge(List<JudgedText> texts, int[] folds, int fold, Recipe recipe) {
        List<JudgedText> mine = new ArrayList<>();
        List<JudgedText> others = new ArrayList<>();
        for (int i = 0; i < folds.length; i++) {
            (folds[i] == fold ? mine : others).add(texts.get(i));
        }
        if (mine.isEmpty()) {
            return List.of();
        }
        try (Gpt model = recipe.of(others)) {
            return RewardFit.predictions(model, mine);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * How many folds there are; with fewer prompts some are empty. The fewer pairs, the more a model misses those that are left
     * out, and the less it costs to make many: twenty up to sixteen pairs, five from sixty-four on.
     */
    static int foldCount(int pairs) {
        return Math.max(FEWEST_FOLDS, Math.min(MOST_FOLDS, 320 / pairs));
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
            foldOf.put(prompts.get(i), i % foldCount(promptOfEach.size()));
        }
        return promptOfEach.stream().mapToInt(foldOf::get).toArray();
    }
}

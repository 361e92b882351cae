package io.bardstream.sample;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;

/**
 * The natural logarithm of what the model itself gave a token, before temperature, penalties and bias, and the likeliest
 * alternatives in that place, likeliest first (ties: the lower id).
 */
public record TokenLogprobs(int token, double logprob, List<Alternative> alternatives) {

    /** A token that could have stood in the same place. */
    public record Alternative(int token, double logprob) {}

    public TokenLogprobs {
        alternatives = List.copyOf(alternatives);
    }

    /** Of {@code token} after these logits, of which the first {@code vocabularySize} count. */
    public static TokenLogprobs of(float[] logits, int vocabularySize, int token, int alternatives) {
        double highest = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < vocabularySize; i++) {
            highest = Math.max(highest, logits[i]);
        }
        double sum = 0;
        for (int i = 0; i < vocabularySize; i++) {
            sum += Math.exp(logits[i] - highest);
        }
        double normaliser = highest + Math.log(sum);
        return new TokenLogprobs(
                token, logits[token] - normaliser, likeliest(logits, vocabularySize, alternatives, normaliser));
    }

    private static List<Alternative> likeliest(float[] logits, int vocabularySize, int count, double normaliser) {
        if (count == 0) {
            return List.of();
        }
        Comparator<Integer> worstFirst = Comparator.<Integer>comparingDouble(i -> logits[i])
                .thenComparing(Comparator.<Integer>naturalOrder().reversed());
        PriorityQueue<Integer> best = new PriorityQueue<>(count + 1, worstFirst);
        for (int i = 0; i < vocabularySize; i++) {
            if (best.size() < count || logits[i] > logits[best.element()]) {
                best.add(i);
                if (best.size() > count) {
                    best.remove();
                }
            }
        }
        List<Alternative> result = new ArrayList<>();
        while (!best.isEmpty()) {
            int i = best.remove();
            result.add(0, new Alternative(i, logits[i] - normaliser));
        }
        return result;
    }
}

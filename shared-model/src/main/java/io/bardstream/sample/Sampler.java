package io.bardstream.sample;

import io.bardstream.event.InvalidFieldException;
import io.bardstream.kernel.CounterRandom;
import java.util.Arrays;

/**
 * Draws the tokens of one completion, one after the other. The steps are applied in vLLM's order: logit bias, penalties,
 * temperature, then top-k, top-p (Holtzman et al. 2020, section 3.1) and min-p (Nguyen et al. 2024), each on what the
 * one before it left.
 *
 * <p>Equal logits, parameters, seed and choice give equal tokens: the numbers drawn depend on the position alone
 * ({@link CounterRandom}), ties go to the lower id, and sums run in a fixed order. Not for use by two threads at once.
 */
public final class Sampler {
    private static final long STREAM = 0x73616d706c65L; // keeps draws independent of others at the same seed

    private final SamplingParameters parameters;
    private final int vocabularySize;
    private final long seed;
    private final int choice;
    private final int[] generated; // how often each token was generated; null where no penalty asks
    private final boolean[] seen; // in the prompt or generated; null where no repetition penalty asks
    private final double[] weights; // (V) adjusted logits, then exp((logit − highest) / temperature)
    private long drawn;

    /**
     * @param vocabularySize ids from here on are never drawn, even where the model has logits for them
     * @param choice         which of the completions of one request this is; each draws numbers of its own
     */
    public Sampler(SamplingParameters parameters, int vocabularySize, long seed, int choice) {
        if (vocabularySize < 1) {
            throw new IllegalArgumentException("vocabulary size is " + vocabularySize + "; expected at least 1");
        }
        parameters.logitBias().keySet().forEach(token -> {
            if (token >= vocabularySize) {
                throw new InvalidFieldException(
                        "logit_bias", "names token " + token + "; the vocabulary's last id is " + (vocabularySize - 1));
            }
        });
        this.parameters = parameters;
        this.vocabularySize = vocabularySize;
        this.seed = seed;
        this.choice = choice;
        boolean counts = parameters.presencePenalty() != 0 || parameters.frequencyPenalty() != 0;
        this.generated = counts ? new int[vocabularySize] : null;
        this.seen = parameters.repetitionPenalty() != 1 ? new boolean[vocabularySize] : null;
        this.weights = new double[vocabularySize];
    }

    /** Tells the repetition penalty what the prompt holds. */
    public void observePrompt(int... tokens) {
        if (seen != null) {
            for (int token : tokens) {
                if (token < vocabularySize) {
                    seen[token] = true;
                }
            }
        }
    }

    /** The next token after these logits (V or more of them). The logits are left as they are. */
    public int next(float[] logits) {
        int token = parameters.temperature() == 0 ? likeliest(adjusted(logits)) : draw(adjusted(logits));
        drawn++;
        if (generated != null) {
            generated[token]++;
        }
        if (seen != null) {
            seen[token] = true;
        }
        return token;
    }

    /** The logits after bias and penalties. (V) */
    private double[] adjusted(float[] logits) {
        if (logits.length < vocabularySize) {
            throw new IllegalArgumentException(
                    "got " + logits.length + " logits; expected one for each of " + vocabularySize + " tokens");
        }
        for (int token = 0; token < vocabularySize; token++) {
            if (Float.isNaN(logits[token])) {
                throw new ArithmeticException("the logit of token " + token + " is not a number");
            }
            weights[token] = logits[token];
        }
        parameters.logitBias().forEach((token, bias) -> weights[token] += bias);
        if (seen != null) {
            double penalty = parameters.repetitionPenalty();
            for (int token = 0; token < vocabularySize; token++) {
                if (seen[token]) {
                    weights[token] = weights[token] > 0 ? weights[token] / penalty : weights[token] * penalty;
                }
            }
        }
        if (generated != null) {
            for (int token = 0; token < vocabularySize; token++) {
                if (generated[token] > 0) {
                    weights[token] -= parameters.presencePenalty() + generated[token] * parameters.frequencyPenalty();
                }
            }
        }
        return weights;
    }

    private int likeliest(double[] values) {
        int best = 0;
        for (int token = 1; token < vocabularySize; token++) {
            if (values[token] > values[best]) {
                best = token;
            }
        }
        return best;
    }

    private int draw(double[] values) {
        double highest = values[likeliest(values)];
        if (Double.isInfinite(highest)) {
            throw new ArithmeticException("the highest logit is " + highest + "; expected a finite number");
        }
        double inverseTemperature = 1 / Math.max(parameters.temperature(), 1e-300);
        double total = 0;
        for (int token = 0; token < vocabularySize; token++) {
            // The highest logit stays at weight 1 whatever the temperature: 0 · ∞ must not arise.
            double distance = values[token] - highest;
            values[token] = distance == 0 ? 1 : Math.exp(distance * inverseTemperature);
            total += values[token];
        }
        boolean all = parameters.topK() == 0 && parameters.topP() == 1 && parameters.minP() == 0;
        return all ? drawFromAll(values, total) : drawFromCandidates(candidates(values, total));
    }

    private int drawFromAll(double[] weight, double total) {
        double mark = uniform() * total;
        double sum = 0;
        int last = 0;
        for (int token = 0; token < vocabularySize; token++) {
            if (weight[token] > 0) {
                sum += weight[token];
                last = token;
                if (sum > mark) {
                    return token;
                }
            }
        }
        return last;
    }

    /** The tokens that survive top-k, top-p and min-p, likeliest first; each of the three keeps a prefix of that order. */
    private int[] candidates(double[] weight, double total) {
        // Without top-k, a token below (1 − top_p) / V of the mass cannot be in the nucleus: it and all behind it
        // together hold less than 1 − top_p. Leaving such tokens out keeps the sort short.
        double least = parameters.topK() > 0
                ? 0
                : Math.max(parameters.minP(), total * (1 - parameters.topP()) / vocabularySize);
        int count = 0;
        long[] keys = new long[vocabularySize];
        for (int token = 0; token < vocabularySize; token++) {
            if (weight[token] > 0 && weight[token] >= least) {
                // Positive floats sort as their bits; negated so that the likeliest, then the lowest id, comes first.
                keys[count++] = ((long) -Float.floatToIntBits((float) weight[token]) << 32) | token;
            }
        }
        Arrays.sort(keys, 0, count);
        int kept = parameters.topK() > 0 ? Math.min(count, parameters.topK()) : count;
        double nucleus = parameters.topP() * (parameters.topK() > 0 ? sumOf(weight, keys, kept) : total);
        int[] tokens = new int[kept];
        int size = 0;
        double sum = 0;
        while (size < kept) {
            int token = (int) keys[size];
            boolean outside = parameters.topP() < 1 && sum >= nucleus || weight[token] < parameters.minP();
            if (outside && size > 0) {
                break;
            }
            tokens[size++] = token;
            sum += weight[token];
        }
        return Arrays.copyOf(tokens, size);
    }

    private double uniform() {
        return CounterRandom.uniform(STREAM, seed, choice, drawn);
    }

    private static double sumOf(double[] weight, long[] keys, int count) {
        double sum = 0;
        for (int i = 0; i < count; i++) {
            sum += weight[(int) keys[i]];
        }
        return sum;
    }

    private int drawFromCandidates(int[] tokens) {
        double total = 0;
        for (int token : tokens) {
            total += weights[token];
        }
        double mark = uniform() * total;
        double sum = 0;
        for (int token : tokens) {
            sum += weights[token];
            if (sum > mark) {
                return token;
            }
        }
        return tokens[tokens.length - 1];
    }
}

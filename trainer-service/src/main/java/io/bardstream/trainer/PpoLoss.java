package io.bardstream.trainer;

/**
 * The clipped losses of proximal policy optimization (Schulman et al. 2017, equations 7 and 9; values clipped as in OpenAI's
 * baselines), with their gradients. Each is a mean over tokens; index t of every array is one token. An entropy bonus there is
 * none, as in lm-human-preferences.
 */
final class PpoLoss {
    /** Of a log-ratio: beyond it exp is of no use, and a gradient neither. */
    private static final double MOST_LOG_RATIO = 20;

    private PpoLoss() {}

    /**
     * The policy's loss.
     *
     * @param approxKl ½·mean((log π − log π_old)²), how far this update has gone
     * @param clipFraction share of tokens at which the clipped term counts
     * @param gradient at the log-probabilities
     */
    @SuppressWarnings("ArrayRecordComponent") // handed over, never compared
    record Policy(
            double loss,
            double approxKl,
            double clipFraction,
            double ratioMean,
            double ratioVariance,
            float[] gradient) {}

    /** mean(max(−A·r, −A·clip(r, 1 ± ε))) with r = π/π_old. */
    static Policy policy(float[] logprobs, float[] old, float[] advantages, double clip) {
        int tokens = logprobs.length;
        float[] gradient = new float[tokens];
        double loss = 0;
        double squares = 0;
        double ratios = 0;
        double ratioSquares = 0;
        int clipped = 0;
        for (int t = 0; t < tokens; t++) {
            double logRatio = (double) logprobs[t] - old[t];
            boolean extreme = Math.abs(logRatio) > MOST_LOG_RATIO;
            double ratio = Math.exp(Math.max(-MOST_LOG_RATIO, Math.min(MOST_LOG_RATIO, logRatio)));
            double free = -advantages[t] * ratio;
            double bound = -advantages[t] * Math.max(1 - clip, Math.min(1 + clip, ratio));
            loss += Math.max(free, bound);
            if (bound > free) {
                clipped++;
            } else if (!extreme) {
                gradient[t] = (float) (free / tokens);
            }
            squares += logRatio * logRatio;
            ratios += ratio;
            ratioSquares += ratio * ratio;
        }
        double mean = ratios / tokens;
        return new Policy(
                loss / tokens,
                0.5 * squares / tokens,
                (double) clipped / tokens,
                mean,
                Math.max(0, ratioSquares / tokens - mean * mean),
                gradient);
    }

    /**
     * The value model's loss, without its coefficient.
     *
     * @param error mean((V − R)²)
     * @param clipFraction share of tokens at which the clipped term counts
     * @param gradient at the values
     */
    @SuppressWarnings("ArrayRecordComponent") // handed over, never compared
    record Value(double loss, double error, double clipFraction, float[] gradient) {}

    /** ½·mean(max((V − R)², (clip(V, V_old ± ε) − R)²)). */
    static Value value(float[] values, float[] old, float[] returns, double clip) {
        int tokens = values.length;
        float[] gradient = new float[tokens];
        double loss = 0;
        double errors = 0;
        int clipped = 0;
        for (int t = 0; t < tokens; t++) {
            double free = (double) values[t] - returns[t];
            double bound = Math.max(old[t] - clip, Math.min(old[t] + clip, values[t])) - returns[t];
            loss += Math.max(free * free, bound * bound);
            errors += free * free;
            if (bound * bound > free * free) {
                clipped++;
            } else {
                gradient[t] = (float) (free / tokens);
            }
        }
        return new Value(0.5 * loss / tokens, errors / tokens, (double) clipped / tokens, gradient);
    }
}

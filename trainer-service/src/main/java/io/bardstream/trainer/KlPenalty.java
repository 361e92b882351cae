package io.bardstream.trainer;

/**
 * How far a policy has gone from its reference, by the log-probabilities of what it said itself, and what that costs
 * (Ziegler et al. 2019, section 2). Schulman's names of the estimators: k1 is unbiased and may be negative, k3 is never
 * negative.
 */
final class KlPenalty {
    private KlPenalty() {}

    /** The rewards of a response's tokens: −β·k1 at each, and the score at the last. */
    static float[] rewards(float[] policy, float[] reference, double score, double beta) {
        float[] rewards = new float[policy.length];
        for (int t = 0; t < rewards.length; t++) {
            rewards[t] = (float) (-beta * (policy[t] - reference[t]));
        }
        rewards[rewards.length - 1] += (float) score;
        return rewards;
    }

    /** Σ log π − log π_ref over a response, in nats. */
    static double k1(float[] policy, float[] reference) {
        double sum = 0;
        for (int t = 0; t < policy.length; t++) {
            sum += (double) policy[t] - reference[t];
        }
        return sum;
    }

    /** Σ (r − 1) − log r with r = π_ref / π over a response, in nats. */
    static double k3(float[] policy, float[] reference) {
        double sum = 0;
        for (int t = 0; t < policy.length; t++) {
            double logRatio = (double) reference[t] - policy[t];
            sum += Math.expm1(logRatio) - logRatio;
        }
        return sum;
    }
}

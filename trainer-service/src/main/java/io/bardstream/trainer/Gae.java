package io.bardstream.trainer;

import java.util.List;

/**
 * Generalised advantage estimation (Schulman et al. 2016, equation 16): how much better each token was than expected. The
 * value after the last token is 0. Rewards, values and advantages have one number for each token of a response.
 */
final class Gae {
    private static final double EPSILON = 1e-8; // of the variance, as in lm-human-preferences

    private Gae() {}

    /**
     * What a response's tokens were worth.
     *
     * @param advantages Σ (γλ)ˡ δ, with δ_t = r_t + γ·V_{t+1} − V_t
     * @param returns advantages + values: what the value model is to predict
     */
    @SuppressWarnings("ArrayRecordComponent") // handed over, never compared
    record Advantages(float[] advantages, float[] returns) {}

    static Advantages of(float[] rewards, float[] values, double gamma, double lambda) {
        float[] advantages = new float[rewards.length];
        float[] returns = new float[rewards.length];
        double advantage = 0;
        double next = 0;
        for (int t = rewards.length - 1; t >= 0; t--) {
            double delta = rewards[t] + gamma * next - values[t];
            advantage = delta + gamma * lambda * advantage;
            advantages[t] = (float) advantage;
            returns[t] = (float) (advantage + values[t]);
            next = values[t];
        }
        return new Advantages(advantages, returns);
    }

    /** Brings all these numbers together to mean 0 and deviation 1, in place; the variance is the population's. */
    static void whiten(List<float[]> responses) {
        double sum = 0;
        double squares = 0;
        long count = 0;
        for (float[] response : responses) {
            for (float value : response) {
                sum += value;
                squares += (double) value * value;
                count++;
            }
        }
        double mean = sum / count;
        double scale = 1 / Math.sqrt(Math.max(0, squares / count - mean * mean) + EPSILON);
        for (float[] response : responses) {
            for (int t = 0; t < response.length; t++) {
                response[t] = (float) ((response[t] - mean) * scale);
            }
        }
    }
}

package io.bardstream.trainer;

/**
 * Moves the price of KL so that the KL comes to its target (Ziegler et al. 2019, section 2.2): after n samples
 * β ← β·(1 + error·n/horizon), where error = clip(KL/target − 1, ±0.2).
 */
final class KlController {
    /** lm-human-preferences' horizon of 10,000 belongs to a run of a million samples; a shorter run's is shorter. */
    private static final double HORIZON_OF_A_RUN = 10_000 / 1e6;

    private static final double MOST_ERROR = 0.2;

    private final double target;
    private final double horizon;
    private double beta;

    /**
     * @param beta at the beginning, or where an interrupted run goes on
     * @param target KL of a response, in nats
     * @param planned samples of the whole run
     */
    KlController(double beta, double target, long planned) {
        this.beta = beta;
        this.target = target;
        this.horizon = HORIZON_OF_A_RUN * planned;
    }

    double beta() {
        return beta;
    }

    /** Takes note of the mean KL of some samples. An update larger than the horizon counts as one. */
    void update(double kl, int samples) {
        double error = Math.max(-MOST_ERROR, Math.min(MOST_ERROR, kl / target - 1));
        beta *= 1 + error * Math.min(1, samples / horizon);
    }
}

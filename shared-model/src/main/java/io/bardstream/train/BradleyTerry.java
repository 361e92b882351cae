package io.bardstream.train;

/**
 * The model of comparisons by Bradley and Terry (1952): one text is preferred to another with probability σ(r₁ − r₂), a
 * function of the difference of their rewards. A preference is the share of votes for the first: 1, 0, or between where
 * annotators disagree or call it a tie.
 */
public final class BradleyTerry {
    private BradleyTerry() {}

    /** −p·log σ(d) − (1 − p)·log σ(−d), in nats: ln 2 at d = 0. */
    public static double loss(double difference, double preference) {
        double agreement = difference >= 0 ? difference * (1 - preference) : -difference * preference;
        return Math.log1p(Math.exp(-Math.abs(difference))) + agreement;
    }

    /** The derivative of the loss by the difference: σ(d) − p. */
    public static double slope(double difference, double preference) {
        return probability(difference) - preference;
    }

    /** The probability σ(d) that the first is preferred. */
    public static double probability(double difference) {
        return 1 / (1 + Math.exp(-difference));
    }
}

package io.bardstream.reward;

/**
 * How sure it is that one of two models wins more often than not: the mass above ½ of the Beta distribution that a uniform
 * prior and the votes give, a tie being half a win of each.
 */
final class WinProbability {
    private static final int STEPS = 2_000; // even, of Simpson's rule

    private WinProbability() {}

    static double of(double wins, double losses) {
        double above = integral(0.5, 1, wins, losses);
        double below = integral(0, 0.5, wins, losses);
        return above / (above + below);
    }

    /** ∫ x^wins · (1 − x)^losses, divided by the integrand's greatest value. */
    private static double integral(double from, double to, double wins, double losses) {
        double mode = wins + losses == 0 ? 0.5 : wins / (wins + losses);
        double greatest = log(mode, wins, losses);
        double width = (to - from) / STEPS;
        double sum = 0;
        for (int i = 0; i <= STEPS; i++) {
            double x = from + i * width;
            double weight = i == 0 || i == STEPS ? 1 : i % 2 == 1 ? 4 : 2;
            sum += weight * Math.exp(log(x, wins, losses) - greatest);
        }
        return sum * width / 3;
    }

    private static double log(double x, double wins, double losses) {
        return (wins == 0 ? 0 : wins * Math.log(x)) + (losses == 0 ? 0 : losses * Math.log1p(-x));
    }
}

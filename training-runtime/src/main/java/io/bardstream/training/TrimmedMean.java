package io.bardstream.training;

import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * The mean of what is left of some measurements when the tenth at either end is left out, with its 95 % confidence interval by
 * the percentile bootstrap (Efron 1979): what single disturbances did is not in it, what happens every few times is.
 */
public record TrimmedMean(double value, double low, double high) {
    private static final int RESAMPLES = 4_000;
    private static final double TRIMMED = 0.1;
    private static final double TAIL = 0.025;

    static TrimmedMean of(double[] measured) {
        SplittableRandom random = new SplittableRandom(1);
        double[] means = new double[RESAMPLES];
        double[] sample = new double[measured.length];
        for (int i = 0; i < RESAMPLES; i++) {
            Arrays.setAll(sample, place -> measured[random.nextInt(measured.length)]);
            means[i] = mean(sample);
        }
        Arrays.sort(means);
        int tail = (int) (TAIL * RESAMPLES);
        return new TrimmedMean(mean(measured), means[tail], means[RESAMPLES - 1 - tail]);
    }

    private static double mean(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        int cut = (int) (TRIMMED * sorted.length);
        return Arrays.stream(sorted, cut, sorted.length - cut).average().orElseThrow();
    }
}

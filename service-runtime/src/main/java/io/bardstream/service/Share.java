package io.bardstream.service;

/**
 * A share of a whole, with the interval that holds the true one with 95 % probability (Wilson 1927, the score interval).
 *
 * @param value null where there is nothing to be a share of, as are {@code low} and {@code high}
 */
public record Share(long count, long of, Double value, Double low, Double high) {
    private static final double Z = 1.959963984540054; // 97.5 % of the normal distribution lie below

    public static Share of(long count, long of) {
        if (of == 0) {
            return new Share(count, 0, null, null, null);
        }
        double share = (double) count / of;
        double widening = 1 + Z * Z / of;
        double middle = (share + Z * Z / (2 * of)) / widening;
        double reach = Z * Math.sqrt(share * (1 - share) / of + Z * Z / (4.0 * of * of)) / widening;
        return new Share(count, of, share, Math.max(0, middle - reach), Math.min(1, middle + reach));
    }
}

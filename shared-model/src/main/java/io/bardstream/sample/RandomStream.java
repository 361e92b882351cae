package io.bardstream.sample;

/**
 * Random numbers by position instead of by history: number {@code i} of stream {@code s} under a seed is a pure function
 * of the three, so one choice of one request draws the same numbers whatever else is being drawn. The mixing function is
 * SplitMix64's (Steele, Lea, Flood 2014, figure 15).
 */
public record RandomStream(long seed, long stream) {
    private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;

    /** Uniform in [0, 1), a multiple of 2⁻⁵³. */
    public double uniform(long index) {
        long bits = mix(mix(mix(seed + GOLDEN_GAMMA) + stream * GOLDEN_GAMMA + GOLDEN_GAMMA) + index * GOLDEN_GAMMA);
        return (bits >>> 11) * 0x1p-53;
    }

    private static long mix(long z) {
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}

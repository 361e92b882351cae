package io.bardstream.kernel;

import java.util.Arrays;

/**
 * Random numbers by counter: each is a hash of where it is used, (seed, step, micro-batch, …), so any of them is known
 * without the ones before it. The hash chains SplitMix64's finaliser (Steele, Lea and Flood 2014, with Stafford's
 * variant 13).
 */
public final class CounterRandom {
    private static final long GOLDEN = 0x9E3779B97F4A7C15L;

    private CounterRandom() {}

    /** 64 uniform bits for a place named by these numbers; their order matters. */
    public static long bits(long... place) {
        long hash = GOLDEN;
        for (long part : place) {
            hash = mix(hash + GOLDEN * (part + 1));
        }
        return hash;
    }

    /** A number in [0, bound) for that place; the bias of the reduction is below 2⁻³² at any bound that fits an int. */
    public static long below(long bound, long... place) {
        return Math.multiplyHigh(bits(place) >>> 1, bound << 1);
    }

    /** A number in [0, 1) for that place, a multiple of 2⁻⁵³. */
    public static double uniform(long... place) {
        return (bits(place) >>> 11) * 0x1p-53;
    }

    /** The numbers 0 to count − 1 in an order of that place, by Fisher and Yates. */
    public static int[] permutation(int count, long... place) {
        int[] order = new int[count];
        long[] at = Arrays.copyOf(place, place.length + 1);
        for (int i = 0; i < count; i++) {
            at[place.length] = i;
            int j = (int) below(i + 1L, at);
            order[i] = order[j];
            order[j] = i;
        }
        return order;
    }

    private static long mix(long z) {
        long a = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        long b = (a ^ (a >>> 27)) * 0x94D049BB133111EBL;
        return b ^ (b >>> 31);
    }
}

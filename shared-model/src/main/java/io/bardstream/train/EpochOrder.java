package io.bardstream.train;

import io.bardstream.kernel.CounterRandom;

/** Numbers epoch after epoch, each epoch in an order of its own that is a function of seed and epoch. Not for several threads. */
public final class EpochOrder {
    private static final long STREAM = 0x54414c4b53L; // keeps the order independent of other draws at the same seed

    private final int[] numbers;
    private final long seed;

    private long epoch = -1;
    private int[] order;

    public EpochOrder(int[] numbers, long seed) {
        this.numbers = numbers.clone();
        this.seed = seed;
    }

    /** The number that comes as the {@code position}-th of all epochs. */
    public int at(long position) {
        long wanted = position / numbers.length;
        if (wanted != epoch) {
            order = order(wanted);
            epoch = wanted;
        }
        return order[(int) (position % numbers.length)];
    }

    /** An epoch's order, by Fisher and Yates. */
    private int[] order(long ofEpoch) {
        int[] shuffled = numbers.clone();
        for (int i = shuffled.length - 1; i > 0; i--) {
            int j = (int) CounterRandom.below(i + 1, STREAM, seed, ofEpoch, i);
            int swapped = shuffled[i];
            shuffled[i] = shuffled[j];
            shuffled[j] = swapped;
        }
        return shuffled;
    }
}

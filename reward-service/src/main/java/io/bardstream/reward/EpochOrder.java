package io.bardstream.reward;

import io.bardstream.kernel.CounterRandom;
import java.util.stream.IntStream;

/** All of a number of things, epoch after epoch, each in an order of its own: a random stream of (seed, epoch). */
final class EpochOrder {
    private static final long STREAM = 0x50414952L; // keeps the order independent of other draws at the same seed

    private final int size;
    private final long seed;
    private long epoch = -1;
    private int[] order;

    EpochOrder(int size, long seed) {
        this.size = size;
        this.seed = seed;
    }

    /** What comes as number {@code position} of all epochs. */
    int at(long position) {
        long wanted = position / size;
        if (wanted != epoch) {
            order = shuffled(wanted);
            epoch = wanted;
        }
        return order[(int) (position % size)];
    }

    /** By Fisher and Yates. */
    private int[] shuffled(long ofEpoch) {
        int[] all = IntStream.range(0, size).toArray();
        for (int i = size - 1; i > 0; i--) {
            int j = (int) CounterRandom.below(i + 1, STREAM, seed, ofEpoch, i);
            int swapped = all[i];
            all[i] = all[j];
            all[j] = swapped;
        }
        return all;
    }
}

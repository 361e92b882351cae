package io.bardstream.trainer;

import io.bardstream.kernel.CounterRandom;
import java.util.List;
import java.util.stream.LongStream;

/** What comes when: each once in an epoch, in an order that is a function of (seed, epoch). */
final class EpochOrder<T> {
    private static final long STREAM = 0x6f72646572L; // keeps the order independent of other draws at the same seed

    private final List<T> all;
    private final long seed;

    EpochOrder(List<T> all, long seed) {
        this.all = all;
        this.seed = seed;
    }

    /** Those that come at positions {@code first} and on, counted over all epochs. */
    List<T> draw(long first, int count) {
        return LongStream.range(first, first + count).mapToObj(this::at).toList();
    }

    private T at(long position) {
        int[] order = CounterRandom.permutation(all.size(), STREAM, seed, position / all.size());
        return all.get(order[(int) (position % all.size())]);
    }
}

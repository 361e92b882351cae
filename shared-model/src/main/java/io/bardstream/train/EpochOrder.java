package io.bardstream.train;

import io.bardstream.kernel.CounterRandom;
import java.util.List;
import java.util.stream.LongStream;

/** What comes when: each once in an epoch, in an order that is a function of (seed, epoch). Not for several threads. */
public final class EpochOrder<T> {
    private static final long STREAM = 0x54414c4b53L; // keeps the order independent of other draws at the same seed

    private final List<T> all;
    private final long seed;

    private long epoch = -1;
    private int[] order;

    public EpochOrder(List<T> all, long seed) {
        this.all = List.copyOf(all);
        this.seed = seed;
    }

    /** What comes as number {@code position} of all epochs. */
    public T at(long position) {
        long wanted = position / all.size();
        if (wanted != epoch) {
            order = CounterRandom.permutation(all.size(), STREAM, seed, wanted);
            epoch = wanted;
        }
        return all.get(order[(int) (position % all.size())]);
    }

    /** Those that come at positions {@code first} and on, counted over all epochs. */
    public List<T> draw(long first, int count) {
        return LongStream.range(first, first + count).mapToObj(this::at).toList();
    }
}

package io.bardstream.trainer;

import io.bardstream.kernel.CounterRandom;
import java.util.List;
import java.util.stream.LongStream;

/** Which prompts come when: each once in an epoch, in an order that is a function of (seed, epoch). */
final class PromptOrder {
    private static final long STREAM = 0x70726f6d7074L; // keeps the order independent of other draws at the same seed

    private final List<int[]> prompts;
    private final long seed;

    PromptOrder(List<int[]> prompts, long seed) {
        this.prompts = prompts;
        this.seed = seed;
    }

    /** The prompts of an update. */
    List<int[]> draw(long update, int count) {
        return LongStream.range(update * count, (update + 1) * count)
                .mapToObj(this::at)
                .toList();
    }

    private int[] at(long position) {
        int[] order = CounterRandom.permutation(prompts.size(), STREAM, seed, position / prompts.size());
        return prompts.get(order[(int) (position % prompts.size())]);
    }
}

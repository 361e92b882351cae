package io.bardstream.train;

import io.bardstream.kernel.CounterRandom;

/**
 * Training windows drawn uniformly from a split, by a random stream of (seed, step, micro-batch, row): the batch of
 * step N is known without running the steps before it, and a run that was killed goes on with the batches it would have
 * had.
 */
public final class TokenSampler {
    private static final long STREAM =
            0x57494e444f57L; // keeps windows independent of dropout and initialisation at the same seed

    private final TokenSource source;
    private final int contextLength;
    private final int rows;
    private final long seed;

    /**
     * @param contextLength tokens of a window
     * @param batchSize windows of a micro-batch
     * @throws IllegalArgumentException if the split is too short for one window and the target after it
     */
    public TokenSampler(TokenSource source, int contextLength, int batchSize, long seed) {
        if (source.size() <= contextLength) {
            throw new IllegalArgumentException("the split has " + source.size() + " tokens, too few for a window of "
                    + contextLength + " and the token after it; use a longer text or a smaller context_length");
        }
        this.source = source;
        this.contextLength = contextLength;
        this.rows = batchSize;
        this.seed = seed;
    }

    /** The micro-batch {@code micro} of step {@code step}. */
    public Batch batch(long step, int micro) {
        int[] inputs = new int[rows * contextLength];
        int[] targets = new int[rows * contextLength];
        int[] window = new int[contextLength + 1];
        for (int row = 0; row < rows; row++) {
            source.copy(start(step, micro, row), window);
            System.arraycopy(window, 0, inputs, row * contextLength, contextLength);
            System.arraycopy(window, 1, targets, row * contextLength, contextLength);
        }
        return new Batch(rows, contextLength, inputs, targets, null);
    }

    /** Where in the split that row's window starts. */
    public long start(long step, int micro, int row) {
        return CounterRandom.below(source.size() - contextLength, STREAM, seed, step, micro, row);
    }
}

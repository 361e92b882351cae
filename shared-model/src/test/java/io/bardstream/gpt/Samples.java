package io.bardstream.gpt;

import io.bardstream.train.Batch;
import java.util.Random;

/** Small models and batches for tests. */
public final class Samples {
    /** Two blocks of 32 channels over 50 tokens and 16 positions. */
    public static final GptConfig SMALL = new GptConfig(2, 4, 32, 16, 50);

    private Samples() {}

    /** A batch of random tokens. */
    public static Batch batch(int rows, int length, int vocabularySize, long seed) {
        Random random = new Random(seed);
        int[] inputs = random.ints((long) rows * length, 0, vocabularySize).toArray();
        int[] targets = random.ints((long) rows * length, 0, vocabularySize).toArray();
        return new Batch(rows, length, inputs, targets, null);
    }

    /** One row of a batch as a batch. */
    public static Batch row(Batch batch, int row) {
        int from = row * batch.length();
        int to = from + batch.length();
        return new Batch(
                1,
                batch.length(),
                java.util.Arrays.copyOfRange(batch.inputs(), from, to),
                java.util.Arrays.copyOfRange(batch.targets(), from, to),
                batch.weights() == null ? null : java.util.Arrays.copyOfRange(batch.weights(), from, to));
    }
}

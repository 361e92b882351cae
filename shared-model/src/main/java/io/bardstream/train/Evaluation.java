package io.bardstream.train;

import io.bardstream.gpt.ForwardPass;
import io.bardstream.gpt.Gpt;
import java.util.stream.IntStream;

/**
 * The mean loss over a split, in non-overlapping windows that cover it once; the last window is as long as what is
 * left.
 */
public final class Evaluation {
    private Evaluation() {}

    /**
     * A loss, and what it is in bits a byte, which can be compared across vocabularies.
     *
     * @param loss nats a token
     * @param tokens tokens that were predicted
     */
    public record Result(double loss, long tokens) {
        /** The loss in bits for each byte of the split's text. */
        public double bitsPerByte(long splitTokens, long splitBytes) {
            return loss * splitTokens / splitBytes / Math.log(2);
        }
    }

    /**
     * Evaluates a split.
     *
     * @param batchSize windows of one forward pass; the result does not depend on it but for rounding
     * @param batches most forward passes to make, from the split's beginning; 0 for the whole split
     */
    public static Result evaluate(Gpt gpt, TokenSource split, int contextLength, int batchSize, int batches) {
        long targets = split.size() - 1;
        if (targets < 1) {
            throw new IllegalArgumentException(
                    "the split has " + split.size() + " tokens; predicting one takes at least two");
        }
        double sum = 0;
        long done = 0;
        for (int batch = 0; done < targets && (batches == 0 || batch < batches); batch++) {
            long left = targets - done;
            int length = (int) Math.min(contextLength, left);
            int rows = (int) Math.min(batchSize, left / length);
            Batch windows = consecutive(split, done, rows, length);
            try (ForwardPass pass = ForwardPass.inference(gpt.compute())) {
                sum += new NextToken(windows).evaluate(gpt, pass) * windows.tokens();
            }
            done += windows.tokens();
        }
        return new Result(sum / done, done);
    }

    /**
     * Evaluates conversations, those that fit the context: the mean over their trained tokens.
     *
     * @param batchSize conversations of one forward pass; the result does not depend on it but for rounding
     * @param batches most forward passes to make, from the first conversation on; 0 for all
     * @throws IllegalArgumentException if no conversation fits
     */
    public static Result evaluate(
            Gpt gpt, Conversations split, int contextLength, int batchSize, int batches, int pad) {
        int[] fitting = ConversationSampler.fitting(split, contextLength);
        if (fitting.length == 0) {
            throw new IllegalArgumentException("none of the " + split.count() + " conversations fits a context of "
                    + contextLength + " tokens; use shorter ones or a model of a longer context");
        }
        double sum = 0;
        double tokens = 0;
        for (int done = 0; done < fitting.length; done += batchSize) {
            if (batches > 0 && done == batches * batchSize) {
                break;
            }
            Batch batch = Packing.pack(
                    IntStream.range(done, Math.min(done + batchSize, fitting.length))
                            .mapToObj(i -> split.get(fitting[i]))
                            .toList(),
                    contextLength,
                    pad);
            try (ForwardPass pass = ForwardPass.inference(gpt.compute())) {
                sum += new NextToken(batch).evaluate(gpt, pass) * batch.weight();
            }
            tokens += batch.weight();
        }
        return new Result(sum / tokens, (long) tokens);
    }

    private static Batch consecutive(TokenSource split, long start, int rows, int length) {
        int[] tokens = new int[rows * length + 1];
        split.copy(start, tokens);
        int[] inputs = java.util.Arrays.copyOf(tokens, rows * length);
        int[] targets = java.util.Arrays.copyOfRange(tokens, 1, rows * length + 1);
        return new Batch(rows, length, inputs, targets, null);
    }
}

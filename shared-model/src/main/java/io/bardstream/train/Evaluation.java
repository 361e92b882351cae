package io.bardstream.train;

import io.bardstream.gpt.Gpt;

/** The mean loss over a split, in non-overlapping windows that cover it once. */
public final class Evaluation {
    private Evaluation() {}

    /**
     * A loss and how it compares across vocabularies.
     *
     * @param loss nats a token
     * @param tokens tokens that were predicted
     */
    public record Result(double loss, long tokens) {
        /** The loss in bits a byte of the text, which does not depend on the vocabulary. */
        public double bitsPerByte(long splitTokens, long splitBytes) {
            return loss * splitTokens / splitBytes / Math.log(2);
        }
    }

    /**
     * Evaluates a split.
     *
     * @param batchSize windows of one forward pass; the result does not depend on it beyond rounding
     * @param batches most forward passes to make, 0 for the whole split
     */
    public static Result evaluate(Gpt gpt, TokenSource split, int contextLength, int batchSize, int batches) {
        throw new UnsupportedOperationException("Evaluation.evaluate");
    }
}

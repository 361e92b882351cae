package io.bardstream.train;

/**
 * A micro-batch of windows, row by row: position {@code row * length + t} of each array.
 *
 * @param rows sequences, B
 * @param length tokens of a sequence, T
 * @param inputs what the model sees
 * @param targets what it is to say next, one for each input
 * @param weights how much each target counts in the loss; {@code null} when all count alike
 * @param starts for each input the place in its row at which its document starts, where rows hold several side by side;
 *     {@code null} where each row is one
 */
@SuppressWarnings("ArrayRecordComponent") // a batch is handed over, never compared
public record Batch(int rows, int length, int[] inputs, int[] targets, float[] weights, int[] starts) {
    public Batch {
        int tokens = Math.multiplyExact(rows, length);
        if (inputs.length != tokens
                || targets.length != tokens
                || (weights != null && weights.length != tokens)
                || (starts != null && starts.length != tokens)) {
            throw new IllegalArgumentException(
                    "a batch of " + rows + " x " + length + " needs " + tokens + " of each, given "
                            + inputs.length + " inputs, " + targets.length + " targets"
                            + (weights == null ? "" : ", " + weights.length + " weights")
                            + (starts == null ? "" : ", " + starts.length + " starts"));
        }
    }

    /** A batch whose rows are one document each. */
    public Batch(int rows, int length, int[] inputs, int[] targets, float[] weights) {
        this(rows, length, inputs, targets, weights, null);
    }

    /** Tokens the model sees. */
    public int tokens() {
        return rows * length;
    }

    /** The sum of weights: how many tokens the loss is a mean over. */
    public double weight() {
        if (weights == null) {
            return tokens();
        }
        double sum = 0;
        for (float weight : weights) {
            sum += weight;
        }
        return sum;
    }
}

package io.bardstream.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.bardstream.gpt.ForwardPass;
import io.bardstream.gpt.Gpt;
import io.bardstream.gpt.Parameter;
import io.bardstream.gpt.TokenRows;
import java.util.Arrays;
import java.util.List;

/**
 * A text's label, told from the hidden state at its last token, the only one that has seen all of it (Radford et al. 2018,
 * section 3.2): the mean of −log p(label).
 *
 * @param texts B texts
 * @param labels number of each one's label
 */
@SuppressWarnings("ArrayRecordComponent") // handed over, never compared
public record Classification(TokenRows texts, int[] labels) implements Objective {
    /** Tokens of one forward pass when labels are told. */
    private static final int TOKENS = 2_048;

    public Classification {
        if (labels.length != texts.rows()) {
            throw new IllegalArgumentException(labels.length + " labels were given for " + texts.rows() + " texts");
        }
    }

    @Override
    public NDArray tokens(ForwardPass pass) {
        return texts.array(pass); // (B, T)
    }

    @Override
    public double weight() {
        return texts.rows();
    }

    @Override
    public Outcome apply(Gpt gpt, NDArray hidden, double scale, ForwardPass pass) {
        long[] targets = new long[texts.rows() * texts.length()];
        float[] weights = new float[targets.length];
        for (int row = 0; row < texts.rows(); row++) {
            targets[texts.last(row)] = labels[row];
            weights[texts.last(row)] = 1;
        }
        Parameter head = gpt.labelHead(); // (K, C)
        NDList result = gpt.compute()
                .kernels()
                .nextToken(
                        hidden,
                        head.weight(),
                        pass.scope().create(targets).toType(DataType.INT64, false), // (B·T)
                        pass.scope().create(weights, new Shape(weights.length)), // (B·T)
                        scale,
                        head.gradient());
        return new Outcome(result.get(0), result.get(1));
    }

    /** The probability of each label, (N, K), for texts that fit the model's context. */
    public static double[][] probabilities(Gpt gpt, List<int[]> texts) {
        double[][] probabilities = new double[texts.size()][];
        int longest = texts.stream().mapToInt(text -> text.length).max().orElse(1);
        int rows = Math.max(1, TOKENS / longest);
        for (int first = 0; first < texts.size(); first += rows) {
            TokenRows some = TokenRows.of(texts.subList(first, Math.min(first + rows, texts.size())), 0);
            try (ForwardPass pass = ForwardPass.inference(gpt.compute())) {
                NDArray hidden = gpt.forward(some.array(pass), pass); // (B·T, C)
                NDArray logits =
                        gpt.compute().kernels().logits(hidden, gpt.labelHead().weight()); // (B·T, K)
                int labels = (int) logits.getShape().get(1);
                float[] all = logits.toFloatArray();
                logits.close();
                for (int row = 0; row < some.rows(); row++) {
                    int at = some.last(row) * labels;
                    probabilities[first + row] = softmax(Arrays.copyOfRange(all, at, at + labels));
                }
            }
        }
        return probabilities;
    }

    private static double[] softmax(float... logits) {
        double[] probabilities = new double[logits.length];
        double most = Double.NEGATIVE_INFINITY;
        for (float logit : logits) {
            most = Math.max(most, logit);
        }
        double sum = 0;
        for (int i = 0; i < logits.length; i++) {
            probabilities[i] = Math.exp(logits[i] - most);
            sum += probabilities[i];
        }
        for (int i = 0; i < logits.length; i++) {
            probabilities[i] /= sum;
        }
        return probabilities;
    }
}

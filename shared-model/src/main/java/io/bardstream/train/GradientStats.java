package io.bardstream.train;

import ai.djl.ndarray.NDArray;
import io.bardstream.gpt.ForwardPass;
import io.bardstream.gpt.Gpt;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * How far one step moves the weights of each layer, relative to their size: ‖W′ − W‖ / ‖W‖ of the attention's output
 * projection. That matrix stands for its block because it is the smallest of the four kinds: a twelfth of the hidden
 * weights is all that is held from before the step to after it.
 *
 * <p>It reads weights and writes none, so a run that is measured ends with the bits of one that is not.
 */
public final class GradientStats implements AutoCloseable {
    private final List<NDArray> weights; // (C, C) each
    private final List<NDArray> before;

    private GradientStats(List<NDArray> weights) {
        this.weights = weights;
        this.before = weights.stream().map(NDArray::duplicate).toList();
    }

    /** Takes down the weights before a step; to be closed after it. */
    public static GradientStats before(Gpt gpt) {
        return new GradientStats(IntStream.range(0, gpt.config().layers())
                .mapToObj(layer -> gpt.weights()
                        .get("transformer.h." + layer + ".attn.c_proj.weight")
                        .master())
                .toList());
    }

    /** The update-to-weight ratio of each layer, from the first to the last, by what has become of the weights since. */
    public List<Double> updateRatios() {
        List<Double> ratios = new ArrayList<>();
        for (int layer = 0; layer < weights.size(); layer++) {
            try (NDArray change = weights.get(layer).sub(before.get(layer))) { // (C, C)
                ratios.add(rootMeanSquare(change) / rootMeanSquare(before.get(layer)));
            }
        }
        return ratios;
    }

    /**
     * The root mean square of the residual stream after each block, over the sequences of a micro-batch, without dropout.
     * It grows from layer to layer; where it grows from evaluation to evaluation without end, a run is about to explode.
     */
    public static List<Double> activationScales(Gpt gpt, Objective microBatch) {
        List<Double> scales = new ArrayList<>();
        try (ForwardPass pass = ForwardPass.inference(gpt.compute())) {
            NDArray input = microBatch.tokens(pass); // (B, T)
            gpt.forward(input, pass, x -> scales.add(rootMeanSquare(x))).close();
        }
        return scales;
    }

    private static double rootMeanSquare(NDArray numbers) {
        try (NDArray squares = numbers.square();
                NDArray mean = squares.mean()) {
            return Math.sqrt(mean.getFloat());
        }
    }

    @Override
    public void close() {
        before.forEach(NDArray::close);
    }
}

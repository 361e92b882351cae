package io.bardstream.gpt;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import io.bardstream.kernel.Kernels;
import java.util.List;

/**
 * Layer normalisation (Ba, Kiros and Hinton 2016) of the residual stream, in float32, with epsilon 1e-5; its output is
 * in compute precision.
 */
final class LayerNorm {
    private final Kernels kernels;
    private final Parameter gain;
    private final Parameter bias;

    LayerNorm(Kernels kernels, Parameter gain, Parameter bias) {
        this.kernels = kernels;
        this.gain = gain;
        this.bias = bias;
    }

    /** The stream {@code x} goes on past the norm, so it is not freed here, but kept where a backward pass comes. */
    NDArray forward(NDArray x, ForwardPass pass) {
        NDList normed =
                kernels.layerNorm(x, gain.master(), bias.master()); // (N, C), mean (N), reciprocal deviation (N)
        if (pass.keeps()) {
            pass.save(x, normed.get(1), normed.get(2));
        } else {
            pass.save(normed.get(1), normed.get(2));
        }
        return normed.get(0);
    }

    /** Adds to {@code dx}, the stream's gradient (N, C) float32, or starts it when null. */
    NDArray backward(NDArray dy, NDArray dx, ForwardPass pass) {
        List<NDArray> saved = pass.restore();
        NDArray sum = kernels.layerNormBackward(
                dy,
                saved.get(0),
                saved.get(1),
                saved.get(2),
                gain.master(),
                bias.master(),
                gain.gradient(),
                bias.gradient(),
                dx); // (N, C)
        ForwardPass.free(saved);
        dy.close();
        if (dx != null) {
            dx.close(); // the same storage under a new handle
        }
        return sum;
    }
}

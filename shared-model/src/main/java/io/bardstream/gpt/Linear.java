package io.bardstream.gpt;

import ai.djl.ndarray.NDArray;
import io.bardstream.kernel.Kernels;

/** y = xW + b, with W as {@code [in, out]} like Hugging Face's Conv1D. */
final class Linear {
    private final Kernels kernels;
    private final Parameters parameters;
    private final Parameter weight;
    private final Parameter bias;

    Linear(Kernels kernels, Parameters parameters, int layer, String name) {
        this.kernels = kernels;
        this.parameters = parameters;
        this.weight = parameters.get(layer, name + ".weight");
        this.bias = parameters.get(layer, name + ".bias");
    }

    NDArray forward(NDArray x, ForwardPass pass) {
        NDArray y = kernels.linear(x, weight.weight(), bias.weight()); // (N, out)
        pass.save(x);
        return y;
    }

    NDArray backward(NDArray dy, ForwardPass pass) {
        NDArray x = pass.restore().get(0); // (N, in)
        NDArray dx = kernels.linearBackward(
                dy, x, weight.weight(), weight.gradient(), bias.gradient(), parameters.fresh()); // (N, in)
        x.close();
        dy.close();
        return dx;
    }
}

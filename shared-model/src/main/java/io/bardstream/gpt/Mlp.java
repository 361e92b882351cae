package io.bardstream.gpt;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import io.bardstream.kernel.Kernels;

/**
 * The position-wise feed-forward layer: four times as wide, with GPT-2's tanh GELU (Hendrycks and Gimpel 2016) between.
 */
final class Mlp {
    private final Kernels kernels;
    private final Linear widen;
    private final Linear narrow;

    Mlp(Kernels kernels, Parameters parameters, int layer) {
        this.kernels = kernels;
        this.widen = new Linear(kernels, parameters, layer, "mlp.c_fc");
        this.narrow = new Linear(kernels, parameters, layer, "mlp.c_proj");
    }

    NDArray forward(NDArray x, ForwardPass pass) {
        NDArray wide = widen.forward(x, pass); // (N, 4C)
        NDArray active;
        if (pass.keeps()) {
            NDList activeAndSlope = kernels.gelu(wide); // (N, 4C) twice
            pass.save(activeAndSlope.get(1));
            active = activeAndSlope.get(0);
        } else {
            active = kernels.geluOnly(wide); // (N, 4C)
        }
        wide.close();
        return narrow.forward(active, pass); // (N, C)
    }

    NDArray backward(NDArray dy, ForwardPass pass) {
        NDArray dActive = narrow.backward(dy, pass); // (N, 4C)
        NDArray slope = pass.restore().get(0); // (N, 4C)
        NDArray dWide = kernels.geluBackward(dActive, slope); // (N, 4C), in place
        slope.close();
        dActive.close();
        return widen.backward(dWide, pass); // (N, C)
    }
}

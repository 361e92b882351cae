package io.bardstream.gpt;

import ai.djl.ndarray.NDArray;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.Kernels;

/**
 * A transformer block with the norms before the branches (Radford et al. 2019, section 2.3):
 * x += dropout(attention(norm(x))), then x += dropout(mlp(norm(x))).
 */
final class Block {
    private final Kernels kernels;
    private final int layer;
    private final LayerNorm norm1;
    private final CausalSelfAttention attention;
    private final LayerNorm norm2;
    private final Mlp mlp;

    Block(Compute compute, Parameters parameters, GptConfig config, int layer) {
        this.kernels = compute.kernels();
        this.layer = layer;
        this.norm1 = new LayerNorm(kernels, parameters.get(layer, "ln_1.weight"), parameters.get(layer, "ln_1.bias"));
        this.attention = new CausalSelfAttention(kernels, parameters, config, layer);
        this.norm2 = new LayerNorm(kernels, parameters.get(layer, "ln_2.weight"), parameters.get(layer, "ln_2.bias"));
        this.mlp = new Mlp(kernels, parameters, layer);
    }

    NDArray forward(NDArray x, ForwardPass pass) {
        NDArray attended = attention.forward(norm1.forward(x, pass), pass); // (N, C)
        NDArray middle = add(x, attended, 0, pass); // (N, C)
        NDArray thought = mlp.forward(norm2.forward(middle, pass), pass); // (N, C)
        return add(middle, thought, 1, pass); // (N, C)
    }

    NDArray backward(NDArray dx, ForwardPass pass) {
        NDArray dThought = branch(dx, pass); // (N, C)
        NDArray dMiddle = norm2.backward(mlp.backward(dThought, pass), dx, pass); // (N, C)
        NDArray dAttended = branch(dMiddle, pass); // (N, C)
        return norm1.backward(attention.backward(dAttended, pass), dMiddle, pass); // (N, C)
    }

    /** x + dropout(branch). */
    private NDArray add(NDArray x, NDArray branch, int place, ForwardPass pass) {
        NDArray mask = pass.dropout().mask(kernels, branch, layer, place); // (N, C) booleans, or null
        if (!pass.keeps() && mask == null) {
            kernels.addResidual(x, branch);
            branch.close();
            return x;
        }
        NDArray sum = kernels.residual(x, branch, mask, pass.dropout().scale()); // (N, C)
        branch.close();
        if (!pass.keeps()) {
            x.close();
        }
        if (mask != null) {
            pass.save(mask);
        }
        return sum;
    }

    /** The gradient at a branch's end, of the stream's gradient. */
    private NDArray branch(NDArray dx, ForwardPass pass) {
        NDArray mask = pass.dropout().rate() > 0 ? pass.restore().get(0) : null;
        NDArray dBranch = kernels.residualBackward(dx, mask, pass.dropout().scale()); // (N, C)
        if (mask != null) {
            mask.close();
        }
        return dBranch;
    }
}

package io.bardstream.gpt;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import io.bardstream.kernel.Kernels;
import java.util.List;

/**
 * Multi-head attention in which a token sees itself and those before it (Vaswani et al. 2017, section 3.2):
 * softmax(QKᵀ/√d_k + mask)V for each head, then a projection. {@link AttentionFormula} is the same without its backward
 * pass, to read.
 */
final class CausalSelfAttention {
    private final Kernels kernels;
    private final int heads;
    private final Linear queriesKeysValues;
    private final Linear projection;

    CausalSelfAttention(Kernels kernels, Parameters parameters, GptConfig config, int layer) {
        this.kernels = kernels;
        this.heads = config.heads();
        this.queriesKeysValues = new Linear(kernels, parameters, layer, "attn.c_attn");
        this.projection = new Linear(kernels, parameters, layer, "attn.c_proj");
    }

    NDArray forward(NDArray x, ForwardPass pass) {
        int batch = (int) pass.tokens().getShape().get(0);
        int length = (int) pass.tokens().getShape().get(1);
        NDArray qkv = queriesKeysValues.forward(x, pass); // (B·T, 3C)
        NDList attended = kernels.attention(qkv, batch, length, heads, pass.walls()); // (B·T, C), saved…
        qkv.close();
        pass.save(attended.subList(1, attended.size()));
        return projection.forward(attended.get(0), pass); // (B·T, C)
    }

    NDArray backward(NDArray dy, ForwardPass pass) {
        int batch = (int) pass.tokens().getShape().get(0);
        int length = (int) pass.tokens().getShape().get(1);
        NDArray dAttended = projection.backward(dy, pass); // (B·T, C)
        List<NDArray> saved = pass.restore();
        NDArray dQkv = kernels.attentionBackward(dAttended, saved, batch, length, heads); // (B·T, 3C)
        ForwardPass.free(saved);
        dAttended.close();
        return queriesKeysValues.backward(dQkv, pass); // (B·T, C)
    }
}

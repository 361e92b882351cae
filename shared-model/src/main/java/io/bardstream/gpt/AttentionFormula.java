package io.bardstream.gpt;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;

/**
 * Attention as the paper writes it, softmax(QKᵀ/√d_k + mask)V (Vaswani et al. 2017, equation 1), in plain array
 * operations and float32. The training kernels compute the same faster; this is for readers, for tests and for showing
 * where a head looks.
 *
 * @param scores QKᵀ, (B, H, T, T)
 * @param scaled QKᵀ/√d_k, (B, H, T, T), unmasked
 * @param weights what each token takes from each token, rows summing to 1, (B, H, T, T)
 * @param output (B, H, T, d_k)
 */
public record AttentionFormula(NDArray scores, NDArray scaled, NDArray weights, NDArray output) {
    /**
     * Attends, each token to itself and those before it. {@code q}, {@code k}, {@code v} are (B, H, T, d_k) float32.
     */
    public static AttentionFormula causal(NDArray q, NDArray k, NDArray v) {
        int t = (int) q.getShape().get(2);
        int dk = (int) q.getShape().get(3);
        NDArray scores = q.matMul(k.transpose(0, 1, 3, 2)); // (B, H, T, T)
        NDArray scaled = scores.div((float) Math.sqrt(dk)); // (B, H, T, T)
        NDArray position = q.getManager().arange(t); // (T)
        NDArray future =
                position.reshape(1, t).gt(position.reshape(t, 1)); // (T, T), true where the key comes after the query
        NDArray mask = future.toType(DataType.FLOAT32, true).mul(-1e30f); // (T, T)
        NDArray weights = scaled.add(mask).softmax(-1); // (B, H, T, T)
        return new AttentionFormula(scores, scaled, weights, weights.matMul(v)); // output (B, H, T, d_k)
    }

    /** Splits qkv (B·T, 3C), as the linear layer before attention gives it, into heads: (3, B, H, T, d_k). */
    public static NDArray heads(NDArray qkv, int batch, int heads) {
        long tokens = qkv.getShape().get(0) / batch;
        long width = qkv.getShape().get(1) / 3;
        return qkv.reshape(batch, tokens, 3, heads, width / heads).transpose(2, 0, 3, 1, 4); // (3, B, H, T, d_k)
    }
}

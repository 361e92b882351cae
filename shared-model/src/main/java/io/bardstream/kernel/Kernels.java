package io.bardstream.kernel;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import java.util.List;

/**
 * The kernels of the trunk and of the next-token loss, one Java method for each function of {@code trunk.py}, as pairs
 * of forward and backward.
 *
 * <p>Shapes: N = B·T tokens, C channels, H heads, V vocabulary. Weights are {@code [in, out]} in compute precision; the
 * residual stream, norms, embeddings and gradient sums are float32. A result belongs to the manager of the first
 * argument.
 */
public final class Kernels {
    static final String TRUNK = "/io/bardstream/kernel/trunk.py";

    /** Logits of at most this many numbers exist at once. */
    private static final int LOGITS = 1 << 25;

    /** Queries of one tile of attention; the fastest from 128 to 1,024 tokens (docs/experiments.md). */
    public static final int ATTENTION_TILE = 128;

    private static final int FLOAT32 = 6;
    private static final int BFLOAT16 = 15;

    private final int dtype;
    private final TorchCall linear;
    private final TorchCall linearBackward;
    private final TorchCall layerNorm;
    private final TorchCall layerNormBackward;
    private final TorchCall gelu;
    private final TorchCall geluOnly;
    private final TorchCall geluBackward;
    private final TorchCall attention;
    private final TorchCall attentionBackward;
    private final TorchCall residual;
    private final TorchCall residualInPlace;
    private final TorchCall residualBackward;
    private final TorchCall dropoutMask;
    private final TorchCall positions;
    private final TorchCall walls;
    private final TorchCall embedding;
    private final TorchCall embeddingBackward;
    private final TorchCall maskInPlace;
    private final TorchCall nextToken;
    private final TorchCall logits;
    private final TorchCall scalar;
    private final TorchCall scalarBackward;
    private final TorchCall slice;
    private final TorchCall upload;
    private final TorchCall cast;
    private final TorchCall copy;
    private final TorchCall zero;
    private final TorchCall normal;
    private final TorchCall drawRow;

    Kernels(TorchKernels trunk, Precision precision) {
        dtype = dtype(precision);
        linear = trunk.call("linear");
        linearBackward = trunk.call("linear_backward");
        layerNorm = trunk.call("layer_norm");
        layerNormBackward = trunk.call("layer_norm_backward");
        gelu = trunk.call("gelu");
        geluOnly = trunk.call("gelu_only");
        geluBackward = trunk.call("gelu_backward");
        attention = trunk.call("attention");
        attentionBackward = trunk.call("attention_backward");
        residual = trunk.call("residual");
        residualInPlace = trunk.call("residual_");
        residualBackward = trunk.call("residual_backward");
        dropoutMask = trunk.call("dropout_mask");
        positions = trunk.call("positions");
        walls = trunk.call("walls");
        embedding = trunk.call("embedding");
        embeddingBackward = trunk.call("embedding_backward");
        maskInPlace = trunk.call("mask_");
        nextToken = trunk.call("next_token");
        logits = trunk.call("logits");
        scalar = trunk.call("scalar");
        scalarBackward = trunk.call("scalar_backward");
        slice = trunk.call("slice");
        upload = trunk.call("upload");
        cast = trunk.call("cast");
        copy = trunk.call("copy_");
        zero = trunk.call("zero_");
        normal = trunk.call("normal_");
        drawRow = trunk.call("draw_row_");
    }

    /** The number by which TorchScript knows an element type. */
    public static int dtype(Precision precision) {
        return precision == Precision.BFLOAT16 ? BFLOAT16 : FLOAT32;
    }

    /** x (N, in) · w (in, out) + b → (N, out). */
    public NDArray linear(NDArray x, NDArray w, NDArray b) {
        return linear.tensor(x, w, b);
    }

    /** From dy (N, out) the gradient at x (N, in); adds to dw and db, or overwrites dw when it is {@code fresh}. */
    public NDArray linearBackward(NDArray dy, NDArray x, NDArray w, NDArray dw, NDArray db, boolean fresh) {
        return linearBackward.tensor(dy, x, w, dw, db, fresh);
    }

    /** x (N, C) → its norm in compute precision, and the mean and reciprocal deviation of each row. */
    public NDList layerNorm(NDArray x, NDArray w, NDArray b) {
        return layerNorm.tensors(x, w, b, dtype);
    }

    /** Adds to {@code dx} the gradient at x, or returns it anew when {@code dx} is null; adds to dw and db. */
    public NDArray layerNormBackward(
            NDArray dy,
            NDArray x,
            NDArray mean,
            NDArray rstd,
            NDArray w,
            NDArray b,
            NDArray dw,
            NDArray db,
            NDArray dx) {
        return layerNormBackward.tensor(dy, x, mean, rstd, w, b, dw, db, dx);
    }

    /** x (N, 4C) → tanh GELU of it, and its slope there. */
    public NDList gelu(NDArray x) {
        return gelu.tensors(x);
    }

    /** tanh GELU where no gradient is wanted. */
    public NDArray geluOnly(NDArray x) {
        return geluOnly.tensor(x);
    }

    /** Multiplies dy by the slope, in place. */
    public NDArray geluBackward(NDArray dy, NDArray slope) {
        return geluBackward.tensor(dy, slope);
    }

    /**
     * Causal attention: qkv (N, 3C) → y (N, C), followed by what {@link #attentionBackward} needs.
     *
     * @param walls between the documents of a row, as {@link #walls} gives them; null where a row is one document
     */
    public NDList attention(NDArray qkv, int batch, int length, int heads, NDArray walls) {
        return attention(qkv, batch, length, heads, ATTENTION_TILE, walls);
    }

    /** From dy (N, C) the gradient at qkv (N, 3C). */
    public NDArray attentionBackward(NDArray dy, List<NDArray> saved, int batch, int length, int heads) {
        return attentionBackward(dy, saved, batch, length, heads, ATTENTION_TILE);
    }

    NDList attention(NDArray qkv, int batch, int length, int heads, int tile, NDArray walls) {
        return attention.tensors(qkv, batch, length, heads, tile, walls);
    }

    NDArray attentionBackward(NDArray dy, List<NDArray> saved, int batch, int length, int heads, int tile) {
        return attentionBackward.tensor(dy, saved, batch, length, heads, tile);
    }

    /** x + branch · mask · scale, all (N, C); the mask may be null. */
    public NDArray residual(NDArray x, NDArray branch, NDArray mask, double scale) {
        return residual.tensor(x, branch, mask, scale);
    }

    /** Adds the branch to x in place. */
    public void addResidual(NDArray x, NDArray branch) {
        residualInPlace.run(x, branch);
    }

    /** The gradient at the branch, (N, C) in compute precision. */
    public NDArray residualBackward(NDArray dx, NDArray mask, double scale) {
        return residualBackward.tensor(dx, mask, scale, dtype);
    }

    /** Booleans of x's shape, each true with probability {@code keep}, a function of {@code key} and position alone. */
    public NDArray dropoutMask(NDArray x, long key, double keep) {
        long limit = Math.round(keep * 0x1p32) - 0x8000_0000L;
        return dropoutMask.tensor(x, (int) key, (int) (key >>> 32), (int) Math.min(limit, Integer.MAX_VALUE));
    }

    /** Where each token's document starts in its row, (B, T) → the token's position in its document, (B, T). */
    public NDArray positions(NDArray starts) {
        return positions.tensor(starts);
    }

    /** Where each token's document starts in its row, (B, T) → what to add to scores, (B, 1, T, T): -∞ across documents. */
    public NDArray walls(NDArray starts) {
        return walls.tensor(starts, dtype);
    }

    /**
     * tokens (B, T) → their embeddings and positions, (N, C) float32.
     *
     * @param positions (B, T); null where each row counts from 0
     */
    public NDArray embedding(NDArray tokens, NDArray wte, NDArray wpe, NDArray positions) {
        return embedding.tensor(tokens, wte, wpe, positions);
    }

    /** Adds dx (N, C) to the rows of dwte that the tokens name and to the positions of dwpe. */
    public void embeddingBackward(NDArray dx, NDArray tokens, NDArray dwte, NDArray dwpe, NDArray positions) {
        embeddingBackward.run(dx, tokens, dwte, dwpe, positions);
    }

    /** x · mask · scale, in place. */
    public void mask(NDArray x, NDArray mask, double scale) {
        maskInPlace.run(x, mask, scale);
    }

    /**
     * The weighted mean of -log p(target), a float32 scalar, and the gradient of {@code scale} times it at hidden (N,
     * C).
     *
     * @param wte token embedding (V, C) in compute precision, the tied head
     * @param weights (N) float32, or null when all targets count alike
     * @param dwte where the head's gradient is added, float32; null when no gradient is wanted, and then none is
     *     returned
     */
    public NDList nextToken(NDArray hidden, NDArray wte, NDArray targets, NDArray weights, double scale, NDArray dwte) {
        int rows = logitRows(wte.getShape().get(0));
        return nextToken.tensors(hidden, wte, targets, weights, scale, dwte, rows);
    }

    /** How many rows of logits exist at once. */
    public static int logitRows(long vocabularySize) {
        return (int) Math.max(64, LOGITS / vocabularySize);
    }

    /** hidden (N, C) → logits (N, V) float32. */
    public NDArray logits(NDArray hidden, NDArray wte) {
        return logits.tensor(hidden, wte);
    }

    /** x (N, C) · w (1, C) float32 → (N) float32. */
    public NDArray scalar(NDArray x, NDArray w) {
        return scalar.tensor(x, w);
    }

    /** From dy (N) float32 the gradient at x (N, C); adds to dw. */
    public NDArray scalarBackward(NDArray dy, NDArray x, NDArray w, NDArray dw) {
        return scalarBackward.tensor(dy, x, w, dw);
    }

    /** A view of {@code count} numbers of a flat array. */
    public NDArray slice(NDArray flat, long offset, long count) {
        return slice.tensor(flat, offset, count);
    }

    /** A copy of what is in the host's memory on the GPU. */
    NDArray upload(NDArray host) {
        return upload.tensor(host);
    }

    /** A copy in another precision. */
    public NDArray cast(NDArray x, Precision precision) {
        return cast.tensor(x, dtype(precision));
    }

    /** Copies x into {@code into}, converting where the types differ. */
    public void copy(NDArray into, NDArray x) {
        copy.run(into, x);
    }

    /** Fills with zeros, in place. */
    public void zero(NDArray x) {
        zero.run(x);
    }

    /** Fills with normal deviates of mean 0 from a generator of that seed, in place. */
    public void normal(NDArray x, double deviation, long seed) {
        normal.run(x, deviation, seed);
    }

    /** Draws row {@code id} of w (V, C) from the normal distribution that its first {@code known} rows have, in place. */
    public void drawRow(NDArray w, int known, int id, long seed) {
        drawRow.run(w, known, id, seed);
    }
}

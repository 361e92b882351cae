package io.bardstream.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import io.bardstream.gpt.Gpt;
import io.bardstream.gpt.Parameter;
import io.bardstream.kernel.TorchKernels;

/**
 * Log-probabilities of chosen tokens under a policy, forward and backward: what PPO and DPO are made of. Logits are divided
 * by a temperature, the one that the tokens were sampled at.
 *
 * <p>Only the rows that speak are computed: of a prompt's tokens no logits are made.
 */
public final class Logprobs {
    /** Logits of at most this many numbers exist at once. */
    private static final int LOGITS = 1 << 24;

    private final Gpt gpt;
    private final NDArray hidden;
    private final NDArray rows;
    private final NDArray targets;
    private final double temperature;
    private final int chunk;
    private final TorchKernels kernels;
    private final float[] values;
    private final float[] entropies;

    /**
     * Computes them.
     *
     * @param hidden the trunk's states, (N, C); needed until the backward pass
     * @param rows which of the N states speak, M of them, none twice
     * @param targets the token each says
     */
    public Logprobs(Gpt gpt, NDArray hidden, int[] rows, int[] targets, double temperature) {
        if (rows.length != targets.length || rows.length == 0) {
            throw new IllegalArgumentException("got " + rows.length + " rows and " + targets.length
                    + " targets; expected as many of both, and one");
        }
        this.gpt = gpt;
        this.hidden = hidden;
        this.rows = ids(hidden, rows); // (M)
        this.targets = ids(hidden, targets); // (M)
        this.temperature = temperature;
        this.chunk = Math.max(64, LOGITS / gpt.config().vocabularySize());
        this.kernels = gpt.compute().kernels("/io/bardstream/train/logprobs.py");
        try (NDList result = kernels.call("forward")
                .tensors(hidden, this.rows, gpt.tokenEmbedding().weight(), this.targets, temperature, chunk)) {
            this.values = result.get(0).toFloatArray();
            this.entropies = result.get(1).toFloatArray();
        }
    }

    /** log π(target), (M), in nats. */
    public float[] values() {
        return values;
    }

    /** The entropy of each whole distribution, (M), in nats. */
    public float[] entropies() {
        return entropies;
    }

    /** From the gradient at {@link #values} that at the hidden states, (N, C); adds to the token embedding's where that learns. */
    public NDArray backward(float... gradient) {
        Parameter embedding = gpt.tokenEmbedding();
        try (NDArray dValues = hidden.getManager().create(gradient)) {
            return kernels.call("backward")
                    .tensor(
                            hidden,
                            dValues,
                            rows,
                            embedding.weight(),
                            targets,
                            temperature,
                            embedding.learns() ? embedding.gradient() : null,
                            chunk); // (N, C)
        }
    }

    private static NDArray ids(NDArray home, int... ids) {
        return home.getManager().create(ids).toType(DataType.INT64, false);
    }
}

package io.bardstream.gpt;

import ai.djl.ndarray.NDArray;
import io.bardstream.kernel.CounterRandom;
import io.bardstream.kernel.Kernels;

/**
 * Dropout (Srivastava et al. 2014) on embeddings and residual branches, as GPT-2 places it but for the attention
 * probabilities, which are not dropped. A mask is a function of (seed, step, micro-batch, layer, place), so a step is
 * repeated exactly without the steps before it.
 *
 * @param rate share of numbers that are dropped, in [0, 1)
 */
public record Dropout(double rate, long seed, long step, int micro) {
    /** No dropout: evaluation and generation. */
    public static final Dropout NONE = new Dropout(0, 0, 0, 0);

    private static final long STREAM = 0x64726f706f7574L; // keeps masks independent of other draws at the same seed

    public Dropout {
        if (!(rate >= 0 && rate < 1)) {
            throw new IllegalArgumentException("dropout is " + rate + "; it must be in [0, 1)");
        }
    }

    /** What the kept numbers are multiplied by, so that the mean stays. */
    double scale() {
        return 1 / (1 - rate);
    }

    /** The mask of one place of one layer, in the shape of {@code x}, or null when nothing is dropped. */
    NDArray mask(Kernels kernels, NDArray x, int layer, int place) {
        if (rate == 0) {
            return null;
        }
        return kernels.dropoutMask(x, CounterRandom.bits(STREAM, seed, step, micro, layer, place), 1 - rate);
    }
}

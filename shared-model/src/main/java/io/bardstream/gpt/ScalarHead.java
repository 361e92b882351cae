package io.bardstream.gpt;

import ai.djl.ndarray.NDArray;
import io.bardstream.kernel.CounterRandom;
import io.bardstream.kernel.Kernels;

/**
 * A number for each token, a linear function of its hidden state: the reward of the text so far, or PPO's value of it
 * (Ziegler et al. 2019, section 2). Always float32. There is no bias, as in transformers' {@code
 * GPT2ForSequenceClassification}, whose {@code score.weight} this is; the last norm has one.
 */
public final class ScalarHead {
    private final Kernels kernels;
    private final Parameter weight;

    ScalarHead(Kernels kernels, Parameter weight) {
        this.kernels = kernels;
        this.weight = weight;
    }

    /** The float32 weight, (1, C). */
    public NDArray weight() {
        return weight.master();
    }

    /** Draws the weight from N(0, 1/√(C + 1)), as lm-human-preferences starts a reward model. */
    public void draw(long seed) {
        long width = weight.master().size();
        long own = CounterRandom.bits(seed, weight.name().hashCode()) & 0xffff_ffffL;
        kernels.normal(weight.master(), 1 / Math.sqrt(width + 1.0), own);
        refresh();
    }

    /** Sets the weight to zero, as a value head starts: it expects nothing yet. */
    public void zero() {
        kernels.zero(weight.master());
        refresh();
    }

    /** Sets the weight. */
    public void set(float... values) {
        try (NDArray given = weight.master().getManager().create(values);
                NDArray row = given.reshape(weight.master().getShape())) {
            kernels.copy(weight.master(), row);
        }
        refresh();
    }

    /** One number a token, (N) float32, of hidden states (N, C). */
    public NDArray forward(NDArray hidden) {
        return kernels.scalar(hidden, weight.master());
    }

    /** From the gradient at the numbers, (N) float32, that at the hidden states, (N, C); adds to the weight's. */
    public NDArray backward(NDArray dValues, NDArray hidden) {
        return kernels.scalarBackward(dValues, hidden, weight.master(), weight.gradient());
    }

    private void refresh() {
        kernels.copy(weight.weight(), weight.master());
    }
}

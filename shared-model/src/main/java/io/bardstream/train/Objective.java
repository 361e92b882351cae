package io.bardstream.train;

import ai.djl.ndarray.NDArray;
import io.bardstream.gpt.ForwardPass;
import io.bardstream.gpt.Gpt;

/**
 * What a micro-batch is trained for: a function from the trunk's hidden states to a loss and its gradient at those
 * states. Next-token prediction is one; masked prediction, pairwise reward, DPO and PPO are others. The trunk knows
 * none of them.
 */
public interface Objective {
    /** A loss and where the backward pass through the trunk starts. */
    record Outcome(NDArray loss, NDArray dHidden) {}

    /** What the trunk reads, (B, T) int64, in the pass's scope. */
    NDArray tokens(ForwardPass pass);

    /** How much this micro-batch counts in the step's mean loss: usually its counted tokens. */
    double weight();

    /**
     * Computes the loss, a scalar float32, and the gradient of {@code scale} times it at {@code hidden} (B·T, C), in
     * the same precision. Gradients of the objective's own parameters, of the tied head for one, are added to their
     * buffers here.
     */
    Outcome apply(Gpt gpt, NDArray hidden, double scale, ForwardPass pass);
}

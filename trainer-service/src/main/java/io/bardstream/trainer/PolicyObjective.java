package io.bardstream.trainer;

import ai.djl.ndarray.NDArray;
import io.bardstream.gpt.ForwardPass;
import io.bardstream.gpt.Gpt;
import io.bardstream.train.Logprobs;
import io.bardstream.train.Objective;

/**
 * PPO's objective of the policy over some responses: {@link PpoLoss#policy}, a mean over their tokens. A batch whose mean ratio
 * has left 1 is not learned from: its gradient is zero.
 */
final class PolicyObjective implements Objective {
    /** The mean ratio lies between this and its reciprocal, or the batch is skipped. */
    private static final double MOST_MEAN_RATIO = 2;

    private final ResponseRows rows;
    private final float[] old;
    private final float[] advantages;
    private final double clip;
    private final double temperature;

    private PpoLoss.Policy measured;

    /**
     * @param old log-probabilities before the update, (M)
     * @param advantages whitened, (M)
     */
    PolicyObjective(ResponseRows rows, float[] old, float[] advantages, double clip, double temperature) {
        this.rows = rows;
        this.old = old;
        this.advantages = advantages;
        this.clip = clip;
        this.temperature = temperature;
    }

    @Override
    public NDArray tokens(ForwardPass pass) {
        return rows.tokens(pass); // (B, T)
    }

    @Override
    public double weight() {
        return rows.count();
    }

    @Override
    public Outcome apply(Gpt gpt, NDArray hidden, double scale, ForwardPass pass) {
        Logprobs logprobs = new Logprobs(gpt, hidden, rows.speaking(), rows.targets(), temperature); // (M)
        measured = PpoLoss.policy(logprobs.values(), old, advantages, clip);
        float[] gradient = Experience.scaled(measured.gradient(), skipped() ? 0 : scale); // (M)
        return new Outcome(pass.scope().create((float) measured.loss()), logprobs.backward(gradient)); // (B·T, C)
    }

    /** What the last application measured. */
    PpoLoss.Policy measured() {
        return measured;
    }

    /** Whether the batch was too far from the policy that wrote it to be learned from. */
    boolean skipped() {
        return !(measured.ratioMean() < MOST_MEAN_RATIO && measured.ratioMean() > 1 / MOST_MEAN_RATIO);
    }
}

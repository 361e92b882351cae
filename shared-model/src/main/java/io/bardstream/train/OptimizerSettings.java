package io.bardstream.train;

import io.bardstream.event.Hyperparameters;

/**
 * The knobs of {@link Optimizer}; the learning rate itself comes from {@link LrSchedule} at each step.
 *
 * @param kind AdamW for everything, or Muon for the hidden matrices with AdamW for the rest
 * @param muonRatio Muon's learning rate as a multiple of AdamW's
 * @param beta1 AdamW's decay of the first moment
 * @param beta2 AdamW's decay of the second moment
 * @param epsilon AdamW's addend to the root of the second moment
 * @param weightDecay decoupled decay of matrices, embeddings included; gains and biases are never decayed
 * @param gradientClip largest global gradient norm; larger gradients are scaled down to it, 0 turns clipping off
 * @param lastBlockOnly whether only the last block, the last norm and a head are moved; by AdamW alone
 */
public record OptimizerSettings(
        Kind kind,
        double muonRatio,
        double beta1,
        double beta2,
        double epsilon,
        double weightDecay,
        double gradientClip,
        boolean lastBlockOnly) {
    /** Muon's decay of the momentum, as Jordan uses it. */
    public static final double MUON_MOMENTUM = 0.95;

    /** Which rule updates the hidden matrices. */
    public enum Kind {
        ADAMW,
        MUON
    }

    public OptimizerSettings {
        if (lastBlockOnly && kind != Kind.ADAMW) {
            throw new IllegalArgumentException("the last block alone is tuned by adamw, not by " + kind);
        }
    }

    /** An optimizer of all weights. */
    public OptimizerSettings(
            Kind kind,
            double muonRatio,
            double beta1,
            double beta2,
            double epsilon,
            double weightDecay,
            double gradientClip) {
        this(kind, muonRatio, beta1, beta2, epsilon, weightDecay, gradientClip, false);
    }

    /** The optimizer that a run's hyperparameters describe. */
    public static OptimizerSettings of(Hyperparameters run) {
        return new OptimizerSettings(
                run.optimizer().equals("muon") ? Kind.MUON : Kind.ADAMW,
                run.muonLearningRate() / run.learningRate(),
                run.beta1(),
                run.beta2(),
                run.epsilon(),
                run.weightDecay(),
                run.gradientClip(),
                run.classify() != null && run.classify().lastBlockOnly());
    }

    /** AdamW with the settings of GPT-3 (Brown et al. 2020, appendix B). */
    public static OptimizerSettings adamw() {
        return new OptimizerSettings(Kind.ADAMW, 0, 0.9, 0.95, 1e-8, 0.1, 1);
    }
}

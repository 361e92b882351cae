package io.bardstream.train;

/**
 * The knobs of an optimizer; the learning rate itself comes from {@link LrSchedule} at each step.
 *
 * @param kind AdamW for everything, or Muon for the hidden matrices with AdamW for the rest
 * @param beta1 AdamW's decay of the first moment
 * @param beta2 AdamW's decay of the second moment
 * @param epsilon AdamW's addend to the root of the second moment
 * @param weightDecay decoupled decay of matrices (embeddings included); norms and biases are never decayed
 * @param gradientClip largest global gradient norm; larger gradients are scaled down to it, 0 turns clipping off
 */
public record OptimizerSettings(
        Kind kind, double beta1, double beta2, double epsilon, double weightDecay, double gradientClip) {
    /** Which rule updates the hidden matrices. */
    public enum Kind {
        ADAMW,
        MUON;

        /** Reads the hyperparameter {@code optimizer}. */
        public static Kind parse(String name) {
            return switch (name) {
                case "adamw" -> ADAMW;
                case "muon" -> MUON;
                default -> throw new IllegalArgumentException("optimizer is '" + name + "'; use adamw or muon");
            };
        }
    }

    public OptimizerSettings {
        within("beta1", beta1, beta1 >= 0 && beta1 < 1, "in [0, 1)");
        within("beta2", beta2, beta2 >= 0 && beta2 < 1, "in [0, 1)");
        within("epsilon", epsilon, epsilon > 0, "above 0");
        within("weight_decay", weightDecay, weightDecay >= 0, "0 or more");
        within("gradient_clip", gradientClip, gradientClip >= 0, "0 or more (0 turns clipping off)");
    }

    private static void within(String name, double value, boolean holds, String expected) {
        if (!holds || Double.isInfinite(value)) {
            throw new IllegalArgumentException(name + " is " + value + "; it must be finite and " + expected);
        }
    }
}

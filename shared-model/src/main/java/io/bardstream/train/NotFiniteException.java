package io.bardstream.train;

/**
 * A loss or gradient norm that is not finite. It is thrown before the update, so the weights are those of the step
 * before.
 */
public final class NotFiniteException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final long step;

    public NotFiniteException(long step, double loss, double gradientNorm) {
        super("step " + step + ": loss " + loss + ", gradient norm " + gradientNorm
                + "; the weights are unchanged. Lower learning_rate, lengthen warmup_steps or set gradient_clip");
        this.step = step;
    }

    /** The step that was not taken. */
    public long step() {
        return step;
    }
}

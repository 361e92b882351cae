package io.bardstream.trainer;

import ai.djl.ndarray.NDArray;
import io.bardstream.gpt.ForwardPass;
import io.bardstream.gpt.Gpt;
import io.bardstream.train.Objective;

/** PPO's objective of the value model over some responses: {@link PpoLoss#value}, a mean over their tokens. */
final class ValueObjective implements Objective {
    private final ResponseRows rows;
    private final float[] old;
    private final float[] returns;
    private final double clip;
    private final double coefficient;

    private PpoLoss.Value measured;

    /**
     * @param old values before the update, (M)
     * @param returns to be predicted, (M)
     */
    ValueObjective(ResponseRows rows, float[] old, float[] returns, double clip, double coefficient) {
        this.rows = rows;
        this.old = old;
        this.returns = returns;
        this.clip = clip;
        this.coefficient = coefficient;
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
        float[] values = rows.atSpeaking(gpt.scalarHead().forward(hidden).toFloatArray()); // (M)
        measured = PpoLoss.value(values, old, returns, clip);
        float[] gradient = rows.toPlaces(Experience.scaled(measured.gradient(), scale * coefficient)); // (B·T)
        NDArray dHidden = gpt.scalarHead().backward(pass.scope().create(gradient), hidden); // (B·T, C)
        return new Outcome(pass.scope().create((float) (coefficient * measured.loss())), dHidden);
    }

    /** What the last application measured. */
    PpoLoss.Value measured() {
        return measured;
    }
}

package io.bardstream.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.bardstream.gpt.Gpt;
import io.bardstream.gpt.GptConfig;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.Precision;
import org.junit.jupiter.api.Test;

class LogprobsTest {
    private static final GptConfig SHAPE = new GptConfig(1, 2, 8, 16, 30);
    private static final int[] ROWS = {4, 0, 5};
    private static final int[] TARGETS = {29, 3, 3};
    private static final double TEMPERATURE = 0.7;
    private static final float[] UPSTREAM = {1, -0.5f, 2};

    @Test
    void areTheLogOfTheSoftmaxOfLogitsOverTheTemperature() {
        try (Compute compute = Compute.open(Precision.FLOAT32, 1);
                Gpt gpt = Gpt.initialise(SHAPE, compute, 1);
                NDManager scope = compute.scope()) {
            NDArray hidden = hidden(compute, scope);
            NDArray all = gpt.logits(hidden).mul(1 / TEMPERATURE).logSoftmax(-1); // (6, V)

            Logprobs logprobs = new Logprobs(gpt, hidden, ROWS, TARGETS, TEMPERATURE);

            for (int i = 0; i < ROWS.length; i++) {
                NDArray row = all.get(ROWS[i]);
                assertThat(logprobs.values()[i]).isCloseTo(row.getFloat(TARGETS[i]), within(1e-5f));
                assertThat(logprobs.entropies()[i])
                        .isCloseTo(-row.exp().mul(row).sum().getFloat(), within(1e-5f));
            }
        }
    }

    @Test
    void gradientsAreSlopes() {
        try (Compute compute = Compute.open(Precision.FLOAT32, 1);
                Gpt gpt = Gpt.initialise(SHAPE, compute, 1);
                NDManager scope = compute.scope()) {
            gpt.weights().train(Precision.FLOAT32);
            NDArray hidden = hidden(compute, scope);
            NDArray embedding = gpt.tokenEmbedding().master();

            NDArray dHidden = new Logprobs(gpt, hidden, ROWS, TARGETS, TEMPERATURE).backward(UPSTREAM);

            assertSlope(gpt, hidden, hidden, dHidden);
            assertSlope(gpt, hidden, embedding, gpt.tokenEmbedding().gradient());
            assertThat(dHidden.get(1).toFloatArray()).containsOnly(0); // a row that does not speak
        }
    }

    /** Moves one of the arrays along its gradient, there and back. */
    private static void assertSlope(Gpt gpt, NDArray hidden, NDArray moved, NDArray gradient) {
        float norm = (float) Math.sqrt(gradient.square().sum().getFloat());
        NDArray direction = gradient.duplicate().mul(1e-2f / norm);
        moved.addi(direction);
        double up = weighted(gpt, hidden);
        moved.subi(direction).subi(direction);
        double down = weighted(gpt, hidden);
        moved.addi(direction);
        assertThat((up - down) / 2e-2).isCloseTo(norm, within(0.01 * norm));
    }

    private static double weighted(Gpt gpt, NDArray hidden) {
        float[] values = new Logprobs(gpt, hidden, ROWS, TARGETS, TEMPERATURE).values();
        double sum = 0;
        for (int i = 0; i < values.length; i++) {
            sum += UPSTREAM[i] * values[i];
        }
        return sum;
    }

    private static NDArray hidden(Compute compute, NDManager scope) {
        NDArray hidden = scope.zeros(new Shape(6, SHAPE.width())); // (N, C)
        compute.kernels().normal(hidden, 1, 1);
        return hidden;
    }
}

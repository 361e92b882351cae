package io.bardstream.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import io.bardstream.gpt.ForwardPass;
import io.bardstream.gpt.Gpt;
import io.bardstream.gpt.Samples;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.Precision;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class EvaluationTest {
    private static final int[] TOKENS = Samples.batch(1, 100, 50, 9).inputs();

    @Test
    void isTheMeanOverWindowsThatCoverTheSplitOnce() {
        try (Compute compute = Compute.open(Precision.FLOAT32, 1);
                Gpt gpt = Gpt.initialise(Samples.SMALL, compute, 7)) {
            double sum = 0;
            for (int start = 0; start < 99; start += 16) {
                int length = Math.min(16, 99 - start);
                sum += logLoss(gpt, Arrays.copyOfRange(TOKENS, start, start + length + 1));
            }

            for (int batchSize : new int[] {1, 4, 100}) {
                Evaluation.Result result = Evaluation.evaluate(gpt, TokenSource.of(TOKENS), 16, batchSize, 0);

                assertThat(result.tokens()).isEqualTo(99);
                assertThat(result.loss()).isCloseTo(sum / 99, within(1e-5));
            }
            assertThat(Evaluation.evaluate(gpt, TokenSource.of(TOKENS), 16, 2, 2)
                            .tokens())
                    .isEqualTo(64);
        }
    }

    @Test
    void aByteHasTheBitsOfItsShareOfTokens() {
        assertThat(new Evaluation.Result(Math.log(2), 10).bitsPerByte(100, 400)).isCloseTo(0.25, within(1e-12));
    }

    @Test
    void refusesASplitWithNothingToPredict() {
        try (Compute compute = Compute.open(Precision.FLOAT32, 1);
                Gpt gpt = Gpt.initialise(Samples.SMALL, compute, 7)) {
            assertThatThrownBy(() -> Evaluation.evaluate(gpt, TokenSource.of(1), 16, 2, 0))
                    .hasMessageContaining("1 tokens");
        }
    }

    /** The sum of -log p of each next token, from the logits, in doubles. */
    private static double logLoss(Gpt gpt, int[] tokens) {
        try (ForwardPass pass = ForwardPass.inference(gpt.compute())) {
            int length = tokens.length - 1;
            NDArray hidden = gpt.forward(Gpt.tokens(pass, 1, length, Arrays.copyOf(tokens, length)), pass);
            float[] logits = gpt.logits(hidden).toFloatArray();
            double sum = 0;
            for (int t = 0; t < length; t++) {
                double normaliser = 0;
                for (int v = 0; v < 50; v++) {
                    normaliser += Math.exp(logits[t * 50 + v]);
                }
                sum += Math.log(normaliser) - logits[t * 50 + tokens[t + 1]];
            }
            return sum;
        }
    }
}

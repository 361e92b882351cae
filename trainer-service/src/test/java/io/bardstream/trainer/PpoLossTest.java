package io.bardstream.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;

class PpoLossTest {
    private static final float[] OLD = {-1, -1, -1, -1};
    private static final float[] ADVANTAGES = {1, 1, -1, -1};

    @Test
    void policyLossByHand() {
        // Ratios 1.5, 0.5, 1.5, 0.5. Good tokens: max(−1.5, −1.2) = −1.2 clipped; max(−0.5, −0.8) = −0.5 free.
        // Bad tokens: max(1.5, 1.2) = 1.5 free; max(0.5, 0.8) = 0.8 clipped. Sum 0.6, a quarter of it 0.15.
        float up = (float) (-1 + Math.log(1.5));
        float down = (float) (-1 + Math.log(0.5));

        PpoLoss.Policy loss = PpoLoss.policy(new float[] {up, down, up, down}, OLD, ADVANTAGES, 0.2);

        assertThat(loss.loss()).isCloseTo(0.15, within(1e-6));
        assertThat(loss.clipFraction()).isEqualTo(0.5);
        assertThat(loss.ratioMean()).isCloseTo(1, within(1e-6));
        assertThat(loss.ratioVariance()).isCloseTo(0.25, within(1e-6));
        // ½·mean(ln² 1.5, ln² 0.5, …) = ½·(0.16440 + 0.48045)/2
        assertThat(loss.approxKl()).isCloseTo(0.161213, within(1e-5));
        assertThat(loss.gradient()).containsExactly(new float[] {0, -0.125f, 0.375f, 0}, within(1e-6f));
    }

    @Test
    void thePolicyItselfHasRatioOneAndThePlainGradient() {
        PpoLoss.Policy loss = PpoLoss.policy(OLD, OLD, ADVANTAGES, 0.2);

        assertThat(loss.ratioMean()).isEqualTo(1);
        assertThat(loss.ratioVariance()).isZero();
        assertThat(loss.approxKl()).isZero();
        assertThat(loss.clipFraction()).isZero();
        assertThat(loss.gradient()).containsExactly(-0.25f, -0.25f, 0.25f, 0.25f);
    }

    @Test
    void anExtremeRatioStaysFinite() {
        PpoLoss.Policy loss = PpoLoss.policy(new float[] {0, -900}, new float[] {-900, 0}, new float[] {-1, 1}, 0.2);

        assertThat(loss.loss()).isCloseTo(Math.exp(20) / 2, within(1.0));
        assertThat(loss.gradient()).containsExactly(0, 0);
    }

    @Test
    void valueLossByHand() {
        // V 1.5 against old 1 and return 0: free 1.5² = 2.25, clipped 1.2² = 1.44, the greater counts: 2.25.
        // V 1.5 against old 1 and return 2: free 0.25, clipped (1.2 − 2)² = 0.64 counts, without a gradient.
        PpoLoss.Value loss = PpoLoss.value(new float[] {1.5f, 1.5f}, new float[] {1, 1}, new float[] {0, 2}, 0.2);

        assertThat(loss.loss()).isCloseTo(0.5 * (2.25 + 0.64) / 2, within(1e-6));
        assertThat(loss.error()).isCloseTo((2.25 + 0.25) / 2, within(1e-6));
        assertThat(loss.clipFraction()).isEqualTo(0.5);
        assertThat(loss.gradient()).containsExactly(new float[] {0.75f, 0}, within(1e-6f));
    }

    @Test
    void gradientsAreTheSlopesOfTheLosses() {
        Random random = new Random(1);
        float[] at = randoms(random, 40);
        float[] old = randoms(random, 40);
        float[] goal = randoms(random, 40);
        float[] policy = PpoLoss.policy(at, old, goal, 0.2).gradient();
        float[] value = PpoLoss.value(at, old, goal, 0.2).gradient();
        float step = 1e-3f;
        for (int t = 0; t < at.length; t++) {
            float[] up = at.clone();
            float[] down = at.clone();
            up[t] += step;
            down[t] -= step;
            double width = (double) up[t] - down[t];
            assertThat((PpoLoss.policy(up, old, goal, 0.2).loss()
                                    - PpoLoss.policy(down, old, goal, 0.2).loss())
                            / width)
                    .as("policy, token %d", t)
                    .isCloseTo(policy[t], within(1e-5));
            assertThat((PpoLoss.value(up, old, goal, 0.2).loss()
                                    - PpoLoss.value(down, old, goal, 0.2).loss())
                            / width)
                    .as("value, token %d", t)
                    .isCloseTo(value[t], within(1e-5));
        }
    }

    @Test
    void dpoStartsAtLnTwoAndByHand() {
        DpoLoss start = DpoLoss.of(-5, -7, -5, -7, 1, 0.1);
        assertThat(start.loss()).isCloseTo(Math.log(2), within(1e-12));
        assertThat(start.gradient()).isCloseTo(-0.05, within(1e-12));

        // The chosen response gained 10 nats, the rejected one lost 5: margin 0.1·15 = 1.5
        DpoLoss later = DpoLoss.of(-20, -35, -30, -30, 1, 0.1);
        assertThat(later.rewardFirst()).isCloseTo(1, within(1e-12));
        assertThat(later.rewardSecond()).isCloseTo(-0.5, within(1e-12));
        assertThat(later.loss()).isCloseTo(0.201413, within(1e-6)); // ln(1 + e^−1.5)
        assertThat(later.gradient()).isCloseTo(-0.1 * 0.182426, within(1e-7)); // σ(−1.5)

        assertThat(DpoLoss.of(-9_000, 0, 0, -9_000, 1, 1).loss()).isCloseTo(18_000, within(1e-6));
        assertThat(DpoLoss.of(-20, -35, -30, -30, 0.5, 0.1).loss()).isCloseTo(0.201413 + 0.75, within(1e-6)); // a tie
        double slope = (DpoLoss.of(-19.99, -35, -30, -30, 1, 0.1).loss()
                        - DpoLoss.of(-20.01, -35, -30, -30, 1, 0.1).loss())
                / 0.02;
        assertThat(later.gradient()).isCloseTo(slope, within(1e-7));
    }

    private static float[] randoms(Random random, int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }
}

package io.bardstream.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class KlPenaltyTest {
    private static final float[] POLICY = {-1, -2, -0.5f};
    private static final float[] REFERENCE = {-1.5f, -1, -0.5f};

    @Test
    void eachTokenPaysForItsKlAndTheLastGetsTheScore() {
        // −0.2·(0.5, −1, 0) = (−0.1, 0.2, 0), and 3 at the end
        assertThat(KlPenalty.rewards(POLICY, REFERENCE, 3, 0.2))
                .containsExactly(new float[] {-0.1f, 0.2f, 3}, within(1e-6f));
    }

    @Test
    void estimatorsByHand() {
        // k1 = 0.5 − 1 + 0; k3 = (e^−0.5 − 1 + 0.5) + (e − 1 − 1) + 0
        assertThat(KlPenalty.k1(POLICY, REFERENCE)).isCloseTo(-0.5, within(1e-9));
        assertThat(KlPenalty.k3(POLICY, REFERENCE)).isCloseTo(0.10653066 + 0.71828183, within(1e-7));
        assertThat(KlPenalty.k1(POLICY, POLICY)).isZero();
        assertThat(KlPenalty.k3(POLICY, POLICY)).isZero();
    }

    @Test
    void theControllerMovesThePriceTowardsTheTarget() {
        // 1,000 planned samples: horizon 10. KL twice the target: error clipped to 0.2, times 5/10
        KlController controller = new KlController(0.15, 6, 1_000);
        controller.update(12, 5);
        assertThat(controller.beta()).isCloseTo(0.15 * 1.1, within(1e-12));

        // KL 5.4: error −0.1
        controller.update(5.4, 5);
        assertThat(controller.beta()).isCloseTo(0.15 * 1.1 * 0.95, within(1e-12));

        // On target nothing moves, and an update of more samples than the horizon counts as one horizon
        controller.update(6, 5);
        assertThat(controller.beta()).isCloseTo(0.15 * 1.1 * 0.95, within(1e-12));
        controller.update(0, 640);
        assertThat(controller.beta()).isCloseTo(0.15 * 1.1 * 0.95 * 0.8, within(1e-12));
    }
}

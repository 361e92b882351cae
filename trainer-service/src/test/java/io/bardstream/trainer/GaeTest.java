package io.bardstream.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

class GaeTest {
    @Test
    void threeTokensByHand() {
        // δ3 = 1 − 0.3 = 0.7; δ2 = −0.2 + 0.3 − 0.4 = −0.3; δ1 = −0.1 + 0.4 − 0.5 = −0.2
        // A3 = 0.7; A2 = −0.3 + 0.95·0.7 = 0.365; A1 = −0.2 + 0.95·0.365 = 0.14675
        Gae.Advantages result = Gae.of(new float[] {-0.1f, -0.2f, 1}, new float[] {0.5f, 0.4f, 0.3f}, 1, 0.95);

        assertThat(result.advantages()).containsExactly(new float[] {0.14675f, 0.365f, 0.7f}, within(1e-6f));
        assertThat(result.returns()).containsExactly(new float[] {0.64675f, 0.765f, 1.0f}, within(1e-6f));
    }

    @Test
    void discountedByHand() {
        // δ2 = 2 − 1 = 1; δ1 = 0 + 0.9·1 − 2 = −1.1; A1 = −1.1 + 0.9·0.5·1 = −0.65
        Gae.Advantages result = Gae.of(new float[] {0, 2}, new float[] {2, 1}, 0.9, 0.5);

        assertThat(result.advantages()).containsExactly(new float[] {-0.65f, 1}, within(1e-6f));
        assertThat(result.returns()).containsExactly(new float[] {1.35f, 2}, within(1e-6f));
    }

    @Test
    void withLambdaOneTheReturnIsWhatIsStillToCome() {
        Gae.Advantages result = Gae.of(new float[] {1, 2, 4}, new float[] {9, -3, 5}, 1, 1);

        assertThat(result.returns()).containsExactly(new float[] {7, 6, 4}, within(1e-5f));
    }

    @Test
    void whitensOverAllTokensTogetherByThePopulationsVariance() {
        // 1, 2, 3, 6: mean 3, variance (4 + 1 + 0 + 9) / 4 = 3.5
        float[] first = {1, 2};
        float[] second = {3, 6};

        Gae.whiten(List.of(first, second));

        float deviation = (float) Math.sqrt(3.5);
        assertThat(first).containsExactly(new float[] {-2 / deviation, -1 / deviation}, within(1e-6f));
        assertThat(second).containsExactly(new float[] {0, 3 / deviation}, within(1e-6f));
    }

    @Test
    void equalAdvantagesBecomeZeroAndNotNan() {
        float[] same = {0.25f, 0.25f};

        Gae.whiten(List.of(same));

        assertThat(same).containsExactly(0, 0);
    }
}

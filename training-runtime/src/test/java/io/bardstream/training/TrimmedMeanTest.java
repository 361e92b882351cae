package io.bardstream.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TrimmedMeanTest {
    @Test
    void leavesOutATenthAtEitherEnd() {
        double[] measured =
                IntStream.rangeClosed(1, 10).mapToDouble(each -> each).toArray();
        measured[9] = 1e6;

        assertThat(TrimmedMean.of(measured).value()).isEqualTo(5.5); // of 2 to 9
        assertThat(TrimmedMean.of(new double[] {3}).value()).isEqualTo(3);
    }

    @Test
    void theIntervalHasTheTruthInNineteenOfTwentyCases() {
        Random random = new Random(1);
        int covered = 0;
        for (int trial = 0; trial < 400; trial++) {
            double[] measured = random.doubles(40).map(each -> each - 0.5).toArray();
            TrimmedMean mean = TrimmedMean.of(measured);
            covered += mean.low() <= 0 && 0 <= mean.high() ? 1 : 0;
        }
        assertThat(covered / 400.0).isCloseTo(0.95, within(0.04));
    }
}

package io.bardstream.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class CounterRandomTest {
    /** Runs are replayed from these numbers, so they are fixed; worked out apart from this code. */
    @Test
    void theNumbersBehindAPlaceNeverChange() {
        long stream = 0x73616d706c65L;

        assertThat(CounterRandom.uniform(stream, 42, 0, 0)).isEqualTo(0.5822138026384841);
        assertThat(CounterRandom.uniform(stream, 42, 0, 1)).isEqualTo(0.44446536488983956);
        assertThat(CounterRandom.uniform(stream, 42, 1, 0)).isEqualTo(0.9276807122568593);
    }

    @Test
    void theUniformNumbersAreUniform() {
        int[] buckets = new int[16];

        for (int i = 0; i < 160_000; i++) {
            buckets[(int) (CounterRandom.uniform(7, 3, i) * 16)]++;
        }

        // Chi-square with 15 degrees of freedom stays under 37.7 in 999 of 1,000 cases.
        double chiSquare = Arrays.stream(buckets)
                .mapToDouble(count -> (count - 10_000.0) * (count - 10_000.0) / 10_000)
                .sum();
        assertThat(chiSquare).isLessThan(37.7);
    }
}

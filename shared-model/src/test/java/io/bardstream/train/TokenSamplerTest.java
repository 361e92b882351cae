package io.bardstream.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TokenSamplerTest {
    private static final TokenSource COUNTING =
            TokenSource.of(IntStream.range(0, 1_000).toArray());

    @Test
    void aTargetIsTheTokenAfterItsInput() {
        Batch batch = new TokenSampler(COUNTING, 8, 5, 1).batch(3, 2);

        for (int i = 0; i < batch.tokens(); i++) {
            assertThat(batch.targets()[i]).isEqualTo(batch.inputs()[i] + 1);
            assertThat(batch.inputs()[i]).isEqualTo(batch.inputs()[i - i % 8] + i % 8);
        }
    }

    @Test
    void aBatchIsAFunctionOfSeedStepAndMicroBatch() {
        TokenSampler sampler = new TokenSampler(COUNTING, 8, 5, 1);
        int[] batch = sampler.batch(700, 3).inputs();
        sampler.batch(0, 0);

        assertThat(sampler.batch(700, 3).inputs()).isEqualTo(batch);
        assertThat(new TokenSampler(COUNTING, 8, 5, 1).batch(700, 3).inputs()).isEqualTo(batch);
        assertThat(sampler.batch(701, 3).inputs()).isNotEqualTo(batch);
        assertThat(sampler.batch(700, 2).inputs()).isNotEqualTo(batch);
        assertThat(new TokenSampler(COUNTING, 8, 5, 2).batch(700, 3).inputs()).isNotEqualTo(batch);
    }

    @Test
    void everyWindowIsDrawnAboutEquallyOften() {
        TokenSampler sampler = new TokenSampler(COUNTING, 990, 1, 1); // windows start at 0 to 9
        int[] counts = new int[10];
        for (int step = 0; step < 10_000; step++) {
            counts[(int) sampler.start(step, 0, 0)]++;
        }

        for (int count : counts) {
            assertThat((double) count).as(Arrays.toString(counts)).isCloseTo(1_000, within(150.0));
        }
    }

    @Test
    void theShortestSplitHasOneWindow() {
        assertThat(new TokenSampler(TokenSource.of(5, 6, 7), 2, 1, 1)
                        .batch(0, 0)
                        .targets())
                .containsExactly(6, 7);
        assertThatThrownBy(() -> new TokenSampler(TokenSource.of(5, 6, 7), 3, 1, 1))
                .hasMessageContaining("3 tokens")
                .hasMessageContaining("window of 3");
    }
}

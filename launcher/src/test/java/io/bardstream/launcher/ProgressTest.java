package io.bardstream.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ProgressTest {
    @Test
    void aMeasurementReplacesOnlyWhatItMeasured() throws Exception {
        // Given
        Progress progress = Progress.NONE.with(
                Api.JSON.readTree(
                        "{\"step\": 75, \"steps\": 750, \"loss\": 4.2131, \"bits_per_byte\": 2.71, \"tokens_per_second\": 38412.4, \"seconds_left\": 101}"));

        // When
        Progress next = progress.with(Api.JSON.readTree(
                "{\"step\": 80, \"steps\": 750, \"loss\": 4.1, \"bits_per_byte\": null, \"seconds_left\": 41.2}"));

        // Then
        assertThat(next.line("pretrain"))
                .isEqualTo("pretrain  80/750  loss 4.100  2.710 bits/byte  38.4k tokens/s  0:41 left");
    }

    @Test
    void theBarFillsAndFitsTheTerminal() throws Exception {
        // Given
        Progress half = Progress.NONE.with(Api.JSON.readTree("{\"step\": 300, \"steps\": 600, \"loss\": 3}"));

        // When, Then
        assertThat(half.bar("pretrain", 60)).isEqualTo("pretrain  [#############--------------]  300/600  loss 3.00");
        assertThat(half.bar("pretrain", 60).length()).isLessThan(60);
        assertThat(half.bar("pretrain", 30)).doesNotContain("[").isEqualTo(half.line("pretrain"));
    }

    @Test
    void ofPpoTheScoreCountsAndTheKl() throws Exception {
        Progress update =
                Progress.NONE.with(Api.JSON.readTree("{\"step\": 3, \"steps\": 16, \"loss\": 0.01, \"measures\":"
                        + " {\"objective/scores\": 1.234, \"objective/kl\": 2.5}}"));

        assertThat(update.line("ppo")).isEqualTo("ppo  3/16  score +1.23  KL 2.50");
    }

    @Test
    void nothingIsClaimedBeforeTheFirstMeasurement() {
        assertThat(Progress.NONE.bar("pretrain", 80)).isEqualTo("pretrain  waiting");
    }

    @Test
    void aFinishedRunHasNoTimeLeft() throws Exception {
        assertThat(Progress.NONE
                        .with(Api.JSON.readTree("{\"step\": 600, \"steps\": 600, \"seconds_left\": 0}"))
                        .line("pretrain"))
                .isEqualTo("pretrain  600/600");
    }

    @Test
    void durationsReadLikeAClock() {
        assertThat(Progress.duration(5)).isEqualTo("0:05");
        assertThat(Progress.duration(754)).isEqualTo("12:34");
        assertThat(Progress.duration(3_661)).isEqualTo("1:01:01");
    }
}

package io.bardstream.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.bardstream.train.LrSchedule.Decay;
import java.util.Map;
import org.junit.jupiter.api.Test;

class LrScheduleTest {
    @Test
    void turnsItsCornersWhereItSays() {
        LrSchedule linear = new LrSchedule(1.0, 0.1, 10, 110, Decay.LINEAR);
        LrSchedule cosine = new LrSchedule(1.0, 0.1, 10, 110, Decay.COSINE);
        for (LrSchedule schedule : new LrSchedule[] {linear, cosine}) {
            assertThat(schedule.at(0)).isCloseTo(0.1, within(1e-12));
            assertThat(schedule.at(4)).isCloseTo(0.5, within(1e-12));
            assertThat(schedule.at(9)).isEqualTo(1.0);
            assertThat(schedule.at(10)).isBetween(0.99, 1.0).isLessThan(1.0);
            assertThat(schedule.at(59)).isCloseTo(0.55, within(1e-12)); // half of the hundred steps of decay
            assertThat(schedule.at(108)).isGreaterThan(0.1);
            assertThat(schedule.at(109)).isEqualTo(0.1);
            assertThat(schedule.at(1_000)).isEqualTo(0.1);
        }
        assertThat(linear.at(34)).isCloseTo(1 - 0.9 * 0.25, within(1e-12));
        assertThat(cosine.at(34)).isCloseTo(0.1 + 0.45 * (1 + Math.sqrt(0.5)), within(1e-12)); // cos(π/4)
    }

    @Test
    void holdsWithoutWarmUpAndWithNothingElse() {
        assertThat(new LrSchedule(1, 0, 0, 1, Decay.LINEAR).at(0)).isZero();
        assertThat(new LrSchedule(1, 0, 0, 11, Decay.LINEAR).at(0)).isCloseTo(1 - 1.0 / 11, within(1e-12));
        assertThat(new LrSchedule(1, 1, 0, 5, Decay.COSINE).at(3)).isEqualTo(1);
        assertThat(new LrSchedule(1, 0, 4, 4, Decay.COSINE).at(3)).isEqualTo(1);
    }

    @Test
    void readsARunsHyperparameters() {
        LrSchedule schedule = LrSchedule.of(Preset.TINY
                .pretraining()
                .with(Map.of(
                        "learning_rate",
                        0.2,
                        "min_learning_rate",
                        0.5,
                        "schedule",
                        "cosine",
                        "warmup_steps",
                        3,
                        "steps",
                        9)));

        assertThat(schedule).isEqualTo(new LrSchedule(0.2, 0.1, 3, 9, Decay.COSINE));
    }

    @Test
    void refusesWhatCannotBe() {
        assertThatThrownBy(() -> new LrSchedule(0.1, 0.2, 0, 5, Decay.LINEAR)).hasMessageContaining("0.2");
        assertThatThrownBy(() -> new LrSchedule(0.1, 0, 6, 5, Decay.LINEAR)).hasMessageContaining("warmup_steps is 6");
        assertThatThrownBy(() -> new LrSchedule(Double.NaN, 0, 0, 5, Decay.LINEAR))
                .hasMessageContaining("NaN");
    }
}

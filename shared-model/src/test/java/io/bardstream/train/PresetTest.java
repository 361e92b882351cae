package io.bardstream.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PresetTest {
    @ParameterizedTest
    @CsvSource({
        "tiny, 940800",
        "baby, 12318720",
        "gpt2, 124439808",
        "gpt2-medium, 354823168",
        "gpt2-large, 774030080",
        "gpt2-xl, 1557611200"
    })
    void everyPresetIsAModelThatItsDefaultsCanTrain(String name, long parameters) {
        Preset preset = Preset.of(name);

        assertThat(preset.config().parameterCount()).isEqualTo(parameters);
        assertThat(preset.pretraining().contextLength())
                .isLessThanOrEqualTo(preset.config().contextLength());
        assertThat(LrSchedule.of(preset.pretraining()).at(0)).isPositive();
        assertThat(OptimizerSettings.of(preset.pretraining()).weightDecay())
                .isEqualTo(preset.pretraining().weightDecay());
    }

    @Test
    void namesTheOnesThereAre() {
        assertThat(Preset.names()).hasSize(6);
        assertThatThrownBy(() -> Preset.of("large"))
                .hasMessageContaining("'large'")
                .hasMessageContaining("gpt2-large");
    }
}

package io.bardstream.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TrainTest {
    @Test
    void settingsAreNumbersWhereTheyReadAsNumbers() {
        assertThat(Train.value("0.003").isNumber()).isTrue();
        assertThat(Train.value("1e-3").doubleValue()).isEqualTo(1e-3);
        assertThat(Train.value("600").isIntegralNumber()).isTrue();
        assertThat(Train.value("true").isBoolean()).isTrue();
        assertThat(Train.value("muon").textValue()).isEqualTo("muon");
        assertThat(Train.value("{}").textValue()).isEqualTo("{}");
    }
}

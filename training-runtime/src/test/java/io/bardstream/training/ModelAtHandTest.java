package io.bardstream.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bardstream.service.ApiException;
import io.bardstream.train.Preset;
import org.junit.jupiter.api.Test;

class ModelAtHandTest {
    @Test
    void aModelThatFreeMemoryDoesNotHoldIsRefusedWithTheReason() {
        assertThatThrownBy(() -> ModelAtHand.requireMemory("gpt2-1", Preset.GPT2.config(), 600_000_000))
                .isInstanceOfSatisfying(ApiException.class, refusal -> assertThat(refusal.status())
                        .isEqualTo(503))
                .hasMessageContaining("gpt2-1")
                .hasMessageContaining("600 MB are free");
        assertThatCode(() -> ModelAtHand.requireMemory("gpt2-1", Preset.GPT2.config(), 2_000_000_000))
                .doesNotThrowAnyException();
        assertThatCode(() -> ModelAtHand.requireMemory("tiny-1", Preset.TINY.config(), 100_000_000))
                .doesNotThrowAnyException();
    }
}

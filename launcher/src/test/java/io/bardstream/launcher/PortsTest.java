package io.bardstream.launcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class PortsTest {
    @Test
    void theDefaultPortsAreTheContract() {
        assertThat(new Ports(Ports.DEFAULT_BASE).all().keySet())
                .containsExactlyInAnyOrder(8080, 8081, 8082, 8083, 8084, 19092, 19093, 15432);
        assertThat(new Ports(Ports.DEFAULT_BASE).of(Service.INFERENCE)).isEqualTo(8080);
        assertThat(new Ports(Ports.DEFAULT_BASE).of(Service.TOKENIZER)).isEqualTo(8081);
        assertThat(new Ports(Ports.DEFAULT_BASE).of(Service.TRAINER)).isEqualTo(8082);
        assertThat(new Ports(Ports.DEFAULT_BASE).of(Service.FEEDBACK)).isEqualTo(8083);
        assertThat(new Ports(Ports.DEFAULT_BASE).of(Service.REWARD)).isEqualTo(8084);
    }

    @Test
    void anotherBaseMovesAllOfThemAlike() {
        assertThat(new Ports(9080).all().keySet())
                .containsExactlyInAnyOrder(9080, 9081, 9082, 9083, 9084, 20092, 20093, 16432);
    }

    @Test
    void aBaseThatLeavesNoRoomIsRefused() {
        assertThatThrownBy(() -> new Ports(60_000))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("60000");
        assertThatThrownBy(() -> new Ports(80)).isInstanceOf(IllegalArgumentException.class);
    }
}

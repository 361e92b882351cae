package io.bardstream.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;

class EmbeddedServicesTest {
    @Test
    void allTestsOfAJvmShareOnePair() {
        // Given
        Map<String, String> first = new EmbeddedServices().start();

        // When
        Map<String, String> second = new EmbeddedServices().start();

        // Then
        assertThat(second).isEqualTo(first);
    }
}

package io.bardstream.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class BackoffTest {
    @Test
    void pausesDoubleUpToHalfAMinute() {
        // Given
        Backoff backoff = new Backoff();

        // When
        var pauses = Stream.generate(() -> backoff.after(Duration.ofSeconds(3)).toSeconds())
                .limit(7)
                .toList();

        // Then
        assertThat(pauses).containsExactly(1L, 2L, 4L, 8L, 16L, 30L, 30L);
    }

    @Test
    void aChildThatLivedForAMinuteIsStartedAgainAtOnce() {
        // Given
        Backoff backoff = new Backoff();
        backoff.after(Duration.ofSeconds(3));
        backoff.after(Duration.ofSeconds(3));

        // When
        Duration pause = backoff.after(Duration.ofMinutes(2));

        // Then
        assertThat(pause).isEqualTo(Duration.ofSeconds(1));
    }
}

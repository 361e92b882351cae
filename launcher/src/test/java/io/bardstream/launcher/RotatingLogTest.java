package io.bardstream.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RotatingLogTest {
    @TempDir
    Path folder;

    @Test
    void aFullLogIsSetAsideAndTheOneBeforeItGoes() throws Exception {
        // Given
        Path file = folder.resolve("logs/service.log");

        // When
        try (RotatingLog log = new RotatingLog(file, 10)) {
            for (String line : new String[] {"one", "two", "three", "four", "five"}) {
                log.write(line);
            }
        }

        // Then
        assertThat(file).hasContent("four\nfive");
        assertThat(folder.resolve("logs/service.log.1")).hasContent("three");
        assertThat(Files.list(file.getParent())).hasSize(2);
    }

    @Test
    void aLogGoesOnWhereItEnded() throws Exception {
        // Given
        Path file = folder.resolve("service.log");
        Files.writeString(file, "before\n");

        // When
        try (RotatingLog log = new RotatingLog(file, 100)) {
            log.write("after");
        }

        // Then
        assertThat(file).hasContent("before\nafter");
    }
}

package io.bardstream.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FreeMemoryTest {
    @TempDir
    Path folder;

    @Test
    void isWhatTheSystemCanGiveWithinTheContainersLimit() throws IOException {
        // Given
        Path system = Files.writeString(
                folder.resolve("meminfo"), "MemTotal:       16000000 kB\nMemAvailable:    8000000 kB\n");
        assertThat(FreeMemory.bytes(system, folder)).hasValue(8_192_000_000L);

        // When a container has no limit, a low one, or a high one
        Files.writeString(folder.resolve("memory.current"), "3000000000\n");
        Files.writeString(folder.resolve("memory.stat"), "anon 1\ninactive_file 500000000\n");
        Files.writeString(folder.resolve("memory.max"), "max\n");
        assertThat(FreeMemory.bytes(system, folder)).hasValue(8_192_000_000L);
        Files.writeString(folder.resolve("memory.max"), "4000000000\n");
        assertThat(FreeMemory.bytes(system, folder)).hasValue(1_500_000_000L);
        Files.writeString(folder.resolve("memory.max"), "40000000000\n");
        assertThat(FreeMemory.bytes(system, folder)).hasValue(8_192_000_000L);
    }

    @Test
    void isUnknownWhereNobodySays() {
        assertThat(FreeMemory.bytes(folder.resolve("nowhere"), folder)).isEmpty();
    }
}

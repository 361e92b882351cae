package io.bardstream.launcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HomeTest {
    @TempDir
    Path folder;

    @Test
    void oneProcessAtATimeHasTheHome() {
        // Given
        Home home = new Home(folder);
        home.create();
        FileLock lock = home.tryLock().orElseThrow();

        // When, Then
        assertThat(home.tryLock()).isEmpty();
        Home.release(lock);
        FileLock again = home.tryLock().orElseThrow();
        Home.release(again);
    }

    @Test
    void anInstanceCountsAsRunningOnlyWhileItHasTheLock() throws Exception {
        // Given
        Home home = new Home(folder);
        home.create();
        Instance instance = new Instance(1, 9080, "tiny", false, "2026-01-01T00:00:00Z", true, Map.of("kafka", 2L));
        FileLock lock = home.tryLock().orElseThrow();
        instance.write(home.instanceFile());

        // When, Then
        assertThat(home.running()).contains(instance);
        Home.release(lock);
        assertThat(home.running()).isEmpty();
    }

    @Test
    void aHomeThatCannotBeWrittenIsNamedWithAWayOut() throws Exception {
        // Given
        Path file = Files.createFile(folder.resolve("file"));

        // When, Then
        assertThatThrownBy(() -> new Home(file.resolve("home")).create())
                .isInstanceOf(CommandFailure.class)
                .hasMessageContaining(file.toString())
                .hasMessageContaining("--home");
    }
}

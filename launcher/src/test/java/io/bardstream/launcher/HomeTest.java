package io.bardstream.launcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
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
        home.release(lock);
        FileLock again = home.tryLock().orElseThrow();
        home.release(again);
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
        home.release(lock);
        assertThat(home.running()).isEmpty();
    }

    /** What another process sees is the kernel's view, not this one's. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void theKernelKeepsTheLockWhileThisProcessLooksAgain() throws Exception {
        // Given
        Home home = new Home(folder);
        home.create();
        FileLock lock = home.tryLock().orElseThrow();
        String inode = ":" + Files.getAttribute(folder.resolve("lock"), "unix:ino") + " ";

        // When
        for (int i = 0; i < 5; i++) {
            assertThat(home.running()).isEmpty(); // it has not described itself yet
            System.gc(); // a forgotten descriptor would be closed
        }

        // Then
        assertThat(Files.readString(Path.of("/proc/locks"))).contains(inode);
        home.release(lock);
        assertThat(Files.readString(Path.of("/proc/locks"))).doesNotContain(inode);
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

package io.bardstream.training;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** A process is only ever taken for gone where that is certain. */
@EnabledOnOs(OS.LINUX)
class WorkerProcessTest {
    private final WorkerProcess self = WorkerProcess.current();

    @Test
    void isReadAsItWasWritten() {
        assertThat(WorkerProcess.parse(self.toString())).hasValue(self);
        assertThat(WorkerProcess.parse("another")).isEmpty();
    }

    @Test
    void aLivingProcessIsNotGoneAKilledOneIs() throws IOException, InterruptedException {
        // Given
        Process child = new ProcessBuilder("sleep", "600").start();
        WorkerProcess sleeper = of(child.pid());

        // When, then
        assertThat(self.knowsGone(self)).isFalse();
        assertThat(self.knowsGone(sleeper)).isFalse();
        child.destroyForcibly().waitFor();
        assertThat(self.knowsGone(sleeper)).isTrue();
    }

    @Test
    void aStrangerWithThePidOfOneThatIsGoneIsNotTakenForIt() {
        assertThat(self.knowsGone(new WorkerProcess(
                        self.boot(), self.namespace(), self.pid(), self.started() - 1, self.unique())))
                .isTrue();
    }

    @Test
    void nothingIsKnownOfAnotherMachineOrContainer() {
        long nobody = Long.MAX_VALUE;
        assertThat(self.knowsGone(new WorkerProcess("another boot", self.namespace(), nobody, 1, "x")))
                .isFalse();
        assertThat(self.knowsGone(new WorkerProcess(self.boot(), "pid:[1]", nobody, 1, "x")))
                .isFalse();
        assertThat(new WorkerProcess("", "", nobody, 0, "x").knowsGone(new WorkerProcess("", "", nobody, 0, "y")))
                .isFalse();
    }

    private WorkerProcess of(long pid) throws IOException {
        String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        return new WorkerProcess(self.boot(), self.namespace(), pid, Long.parseLong(fields[19]), "sleeper");
    }
}

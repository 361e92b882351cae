package io.bardstream.launcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class SupervisedTest {
    /** Lives until its standard input ends, as every child does. */
    private static final List<String> CHILD = List.of("/bin/cat");

    private final ByteArrayOutputStream written = new ByteArrayOutputStream();
    private final Console console = new Console(new PrintStream(written, true, StandardCharsets.UTF_8), false, 100);

    @Test
    void aChildThatIsKilledIsStartedAgain() throws Exception {
        // Given
        try (Supervised child = supervised()) {
            child.start();
            long first = child.pid().orElseThrow();

            // When
            ProcessHandle.of(first).orElseThrow().destroyForcibly();

            // Then
            await().atMost(Duration.ofMinutes(2))
                    .until(() -> child.pid().filter(pid -> pid != first).isPresent());
            assertThat(child.deaths()).isEqualTo(1);
            assertThat(written.toString(StandardCharsets.UTF_8))
                    .contains("child: ended (killed by signal 9); starting it again in 1 s");
        }
    }

    @Test
    void aChildThatIsStoppedStaysStopped() throws Exception {
        // Given
        Supervised child = supervised();
        child.start();
        ProcessHandle process = ProcessHandle.of(child.pid().orElseThrow()).orElseThrow();

        // When
        child.close();

        // Then
        assertThat(process.isAlive()).isFalse();
        assertThat(child.pid()).isEmpty();
        assertThat(child.deaths()).isZero();
        assertThat(written.size()).isZero();
    }

    @Test
    void childrenEndWhenTheirParentIsKilled() throws Exception {
        // Given
        Process parent = new ProcessBuilder(
                        Installation.java("-cp", System.getProperty("java.class.path"), Parent.class.getName()))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        ProcessHandle child;
        try (BufferedReader output = parent.inputReader(StandardCharsets.UTF_8)) {
            child = ProcessHandle.of(Long.parseLong(output.readLine())).orElseThrow();
        }
        assertThat(child.isAlive()).isTrue();

        // When
        parent.destroyForcibly().waitFor();

        // Then
        await().atMost(Duration.ofMinutes(2)).until(() -> !child.isAlive());
    }

    private Supervised supervised() {
        return new Supervised("child", SupervisedTest::startChild, console, () -> {});
    }

    private static Supervised.Running startChild() throws IOException {
        return Supervised.Running.tethered(
                new ProcessBuilder(io.bardstream.embedded.Child.ownSession(CHILD)).start(), 10);
    }

    /** Supervises one child, prints its pid and waits to be killed. */
    static final class Parent {
        private Parent() {}

        public static void main(String[] arguments) throws IOException {
            Supervised child = new Supervised("child", SupervisedTest::startChild, Console.standard(), () -> {});
            child.start();
            System.out.println(child.pid().orElseThrow());
            System.in.read();
        }
    }
}

package io.bardstream.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OrphanTest {
    @TempDir
    Path folder;

    @Test
    void bothEndWhenTheirParentIsKilled() throws Exception {
        // Given
        Process parent = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Parent.class.getName(),
                        folder.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        List<ProcessHandle> children = pids(parent).toList();
        assertThat(children).hasSizeGreaterThanOrEqualTo(3).allMatch(ProcessHandle::isAlive);

        // When
        parent.destroyForcibly().waitFor();

        // Then
        await().atMost(Duration.ofMinutes(2)).until(() -> children.stream().noneMatch(ProcessHandle::isAlive));
    }

    /** The parent prints its descendants' pids in one line when both serve. */
    private static Stream<ProcessHandle> pids(Process parent) throws IOException {
        try (BufferedReader output = parent.inputReader(StandardCharsets.UTF_8)) {
            return Arrays.stream(output.readLine().split(" "))
                    .map(Long::parseLong)
                    .flatMap(pid -> ProcessHandle.of(pid).stream())
                    .collect(Collectors.toList())
                    .stream();
        }
    }

    /** Starts a broker and a database and waits to be killed. */
    static final class Parent {
        private Parent() {}

        public static void main(String[] arguments) throws IOException {
            Path folder = Path.of(arguments[0]);
            EmbeddedKafka.start(folder.resolve("kafka"), FreePort.any(), FreePort.any(), folder.resolve("kafka.log"));
            EmbeddedPostgres.start(
                    folder.resolve("postgres"),
                    EmbeddedServices.binaries(),
                    FreePort.any(),
                    folder.resolve("postgres.log"));
            System.out.println(ProcessHandle.current()
                    .descendants()
                    .map(ProcessHandle::pid)
                    .map(String::valueOf)
                    .collect(Collectors.joining(" ")));
            System.in.read();
        }
    }
}

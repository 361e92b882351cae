package io.bardstream.e2e;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** {@code ./bardstream} as a user types it, on a home and ports of its own. */
final class Command {
    private static final Path SCRIPT =
            Path.of("..", "bardstream").toAbsolutePath().normalize();

    private final Path home;
    private final int portBase;

    Command(Path home) throws IOException {
        this.home = home;
        this.portBase = freePortBase();
    }

    /** What a command printed, and how it ended. */
    record Result(int exitCode, String output) {}

    /** Starts a command and leaves it running; its output goes to {@code log}. */
    Process start(Path log, String... arguments) throws IOException {
        return builder(arguments).redirectOutput(log.toFile()).start();
    }

    /** Runs a command to its end. */
    Result run(Duration atMost, String... arguments) throws IOException, InterruptedException {
        Path output = Files.createTempFile("bardstream-e2e-", ".out");
        try {
            Process process = builder(arguments).redirectOutput(output.toFile()).start();
            if (!process.waitFor(atMost.toSeconds(), TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
                throw new AssertionError("'" + String.join(" ", arguments) + "' did not end within " + atMost + ":\n"
                        + Files.readString(output));
            }
            return new Result(process.exitValue(), Files.readString(output));
        } finally {
            Files.delete(output);
        }
    }

    /** Address of a service by its place after the port base, as the README lists them. */
    String address(int offset) {
        return "http://127.0.0.1:" + (portBase + offset);
    }

    int portBase() {
        return portBase;
    }

    private ProcessBuilder builder(String... arguments) {
        List<String> command = new ArrayList<>(List.of("bash", SCRIPT.toString()));
        command.addAll(List.of(arguments));
        command.addAll(List.of("--home", home.toString(), "--port-base", Integer.toString(portBase)));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        // The modules are built when these tests run; a Maven inside Maven would build them again.
        builder.environment().put("BARDSTREAM_BUILD", "never");
        return builder;
    }

    private static int freePortBase() throws IOException {
        for (int base = 21_080; base < 32_000; base += 100) {
            if (free(base)
                    && free(base + 1)
                    && free(base + 2)
                    && free(base + 3)
                    && free(base + 4)
                    && free(base + 11_012)
                    && free(base + 7_352)) {
                return base;
            }
        }
        throw new IOException("no free ports");
    }

    private static boolean free(int port) {
        try (ServerSocket socket = new ServerSocket(port)) {
            return socket.isBound();
        } catch (IOException e) {
            return false;
        }
    }
}

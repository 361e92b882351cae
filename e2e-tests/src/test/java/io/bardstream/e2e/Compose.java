package io.bardstream.e2e;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/** {@code docker compose} on the repository's own file, as a project with containers, volumes and ports of its own. */
final class Compose {
    private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

    private final String project = "bardstream-test-" + ProcessHandle.current().pid();
    private final Map<String, String> settings = new TreeMap<>();

    Compose() throws IOException {
        for (String service : List.of("INFERENCE", "TOKENIZER", "TRAINER", "FEEDBACK", "REWARD", "KAFKA", "POSTGRES")) {
            settings.put("BARDSTREAM_" + service + "_PORT", Integer.toString(freePort()));
        }
    }

    /** Address of a service by the name that its port has in {@code .env.example}. */
    String address(String service) {
        return "http://127.0.0.1:" + settings.get("BARDSTREAM_" + service + "_PORT");
    }

    /** Runs a subcommand of {@code docker compose} to its end and gives what it printed. */
    String run(Duration atMost, String... arguments) throws IOException, InterruptedException {
        List<String> command =
                new ArrayList<>(List.of("docker", "compose", "--ansi", "never", "--project-name", project));
        command.addAll(List.of(arguments));
        return run(atMost, command);
    }

    /** Runs any command to its end and gives what it printed. */
    String run(Duration atMost, List<String> command) throws IOException, InterruptedException {
        Path output = Files.createTempFile("bardstream-compose-", ".out");
        try {
            ProcessBuilder builder = new ProcessBuilder(command)
                    .directory(ROOT.toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(output.toFile());
            builder.environment().putAll(settings);
            Process process = builder.start();
            boolean ended = process.waitFor(atMost.toSeconds(), TimeUnit.SECONDS);
            process.destroyForcibly().waitFor();
            String printed = Files.readString(output);
            if (!ended || process.exitValue() != 0) {
                throw new AssertionError(
                        String.join(" ", command) + (ended ? " failed:\n" : " took too long:\n") + printed);
            }
            return printed;
        } finally {
            Files.delete(output);
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }
}

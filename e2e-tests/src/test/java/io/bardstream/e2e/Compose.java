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
import java.util.stream.IntStream;

/**
 * {@code docker compose} on the repository's own file, as a project with containers, volumes, images and ports of its own.
 * The project is the checkout's: what a run that was broken off has left is met, and removed, by the next one.
 */
final class Compose {
    private static final String RANGE = "-";

    /** Below those that the kernel gives to clients. */
    private static final int LAST_PORT = 32_000;

    private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

    private final String project =
            "bardstream-test-" + Integer.toHexString(ROOT.toString().hashCode());
    private final Map<String, String> settings = new TreeMap<>();
    private int nextPort = 24_000;

    Compose() throws IOException {
        settings.put("BARDSTREAM_TAG", "test");
        settings.put("BARDSTREAM_PRESET", "tiny");
        settings.put("BARDSTREAM_API_KEY", "");
        settings.put("BARDSTREAM_BIND", "127.0.0.1");
        for (Service service : Service.values()) {
            publish(service, 1);
        }
        settings.put("BARDSTREAM_KAFKA_PORT", freePorts(1));
        settings.put("BARDSTREAM_POSTGRES_PORT", freePorts(1));
    }

    /** Gives a service as many ports of the host, for as many replicas. */
    void publish(Service service, int ports) throws IOException {
        settings.put(service.setting(), freePorts(ports));
    }

    /** Sets what {@code .env} may hold. */
    void set(String setting, String value) {
        settings.put(setting, value);
    }

    /** Address of a service's replica, counted from 1. */
    String address(Service service, int replica) throws IOException, InterruptedException {
        String port = settings.get(service.setting());
        if (!port.contains(RANGE)) {
            return "http://127.0.0.1:" + port;
        }
        return "http://"
                + run(
                                Duration.ofMinutes(1),
                                "port",
                                "--index",
                                Integer.toString(replica),
                                service.container(),
                                Integer.toString(service.port()))
                        .strip();
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

    /** So many free ports in a row, as a setting has them: {@code 21000} or {@code 21000-21001}. */
    private String freePorts(int count) throws IOException {
        for (int first = nextPort; first + count < LAST_PORT; first++) {
            if (IntStream.range(first, first + count).allMatch(Compose::isFree)) {
                nextPort = first + count;
                return count == 1 ? Integer.toString(first) : first + RANGE + (first + count - 1);
            }
        }
        throw new IOException("no free ports");
    }

    private static boolean isFree(int port) {
        try (ServerSocket socket = new ServerSocket(port)) {
            return socket.isBound();
        } catch (IOException taken) {
            return false;
        }
    }
}

package io.bardstream.e2e;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * The whole system in containers, built here. It is gone when this is closed or the JVM ends, and its containers' log stays.
 */
final class ComposedSystem extends RunningSystem implements AutoCloseable {
    private static final Duration BUILT = Duration.ofMinutes(12);

    private final Compose compose;
    private final Path log;
    private final Thread lastResort = new Thread(this::remove);

    /**
     * Takes the project over, without containers and volumes.
     *
     * @param log where the containers' log stays
     */
    ComposedSystem(Compose compose, Path log) throws IOException, InterruptedException {
        this.compose = compose;
        this.log = log;
        remove();
        Runtime.getRuntime().addShutdownHook(lastResort);
    }

    /** Builds the images and starts everything. */
    void up() throws IOException, InterruptedException {
        compose.run(BUILT, "up", "--build", "--detach");
    }

    /** Runs a subcommand of {@code docker compose} to its end and gives what it printed. */
    String compose(String... arguments) throws IOException, InterruptedException {
        return compose.run(SOON, arguments);
    }

    /** Takes a service off the network for some time, and puts it back. */
    void cutOff(Service service, Duration time) throws IOException, InterruptedException {
        String container = compose("ps", "--all", "--format", "{{.Name}}", service.container())
                .strip();
        String network = docker(
                        "inspect",
                        "--format",
                        "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}}{{end}}",
                        container)
                .strip();
        docker("network", "disconnect", network, container);
        Thread.sleep(time.toMillis());
        docker("network", "connect", "--alias", service.container(), network, container);
    }

    /** Has several replicas of services, waits until all are ready, and gives the addresses of those of one service. */
    List<String> scale(Service service, int replicas) throws IOException, InterruptedException {
        compose(
                "up",
                "--detach",
                "--no-build",
                "--no-deps",
                "--scale",
                service.container() + "=" + replicas,
                service.container());
        List<String> addresses = new ArrayList<>();
        for (int replica = 1; replica <= replicas; replica++) {
            addresses.add(compose.address(service, replica));
        }
        for (String address : addresses) {
            await().atMost(SOON).pollInterval(Duration.ofSeconds(1)).until(() -> isOk(address + "/q/health/ready"));
        }
        return addresses;
    }

    /** How many records a topic has had since it was made. */
    long records(String topic) throws IOException, InterruptedException {
        return compose(
                        "exec",
                        "-T",
                        "kafka",
                        "/opt/kafka/bin/kafka-get-offsets.sh",
                        "--bootstrap-server",
                        "127.0.0.1:9092",
                        "--topic",
                        topic)
                .lines()
                .mapToLong(partition -> Long.parseLong(partition.substring(partition.lastIndexOf(':') + 1)))
                .sum();
    }

    @Override
    String address(Service service) {
        try {
            return compose.address(service, 1);
        } catch (IOException | InterruptedException e) {
            throw new AssertionError("no address of " + service, e);
        }
    }

    private String docker(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("docker"));
        command.addAll(List.of(arguments));
        return compose.run(SOON, command);
    }

    /** Containers, volumes and the network; what was built stays, as the cache of the next build does. */
    private void remove() {
        try {
            compose("down", "--volumes", "--remove-orphans", "--timeout", "10");
        } catch (IOException | InterruptedException e) {
            throw new AssertionError("containers may be left", e);
        }
    }

    /** Keeps the log and removes containers and volumes. */
    @Override
    public void close() throws IOException {
        try {
            Files.writeString(log, compose("logs", "--no-color", "--timestamps"));
        } catch (InterruptedException e) {
            throw new AssertionError("no log", e);
        } finally {
            remove();
            Runtime.getRuntime().removeShutdownHook(lastResort);
        }
    }
}

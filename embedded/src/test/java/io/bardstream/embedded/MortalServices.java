package io.bardstream.embedded;

import io.quarkus.test.common.QuarkusTestResourceLifecycleManager;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.awaitility.Awaitility;

/**
 * A broker and a database of a test's own, which it may kill: {@code @QuarkusTestResource(value = MortalServices.class,
 * restrictToAnnotatedClass = true)}. Both come back at the ports where they were.
 */
public final class MortalServices implements QuarkusTestResourceLifecycleManager {
    /** Where they are stands in system properties: Quarkus loads this class more than once in a JVM. */
    private static final String FOLDER = "bardstream.test.mortal.folder";

    private static final String KAFKA_PORT = "bardstream.test.mortal.kafka";
    private static final String POSTGRES_PORT = "bardstream.test.mortal.postgres";
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    @Override
    public Map<String, String> start() {
        System.setProperty(FOLDER, EmbeddedServices.temporaryFolder().toString());
        EmbeddedKafka kafka = EmbeddedServices.onFreePort(port -> {
            System.setProperty(KAFKA_PORT, Integer.toString(port));
            return startKafka();
        });
        EmbeddedPostgres postgres = EmbeddedServices.onFreePort(port -> {
            System.setProperty(POSTGRES_PORT, Integer.toString(port));
            return startPostgres();
        });
        return Map.of(
                "kafka.bootstrap.servers", kafka.bootstrapServers(),
                "quarkus.datasource.jdbc.url", postgres.jdbcUrl(),
                "quarkus.datasource.username", EmbeddedPostgres.USER,
                "quarkus.datasource.password", postgres.password());
    }

    /** After the service has stopped. */
    @Override
    public void stop() {
        kill(brokerPid());
        kill(postmasterPid());
        Child.deleteTree(folder());
    }

    /** Kills the broker with no time to write anything down, starts it again, and returns when it serves. */
    public static void killAndRestartKafka() {
        kill(brokerPid());
        startKafka();
    }

    /** Kills the database with no time to write anything down, starts it again, and returns when it serves. */
    public static void killAndRestartPostgres() {
        kill(postmasterPid());
        // Sessions that outlive their server for a moment hold its memory.
        Awaitility.await().atMost(PATIENCE).ignoreException(StartFailure.class).until(() -> startPostgres()
                .process()
                .isAlive());
    }

    private static EmbeddedKafka startKafka() {
        return EmbeddedKafka.start(
                folder().resolve("kafka"),
                Integer.getInteger(KAFKA_PORT),
                FreePort.any(),
                folder().resolve("kafka.log"));
    }

    private static EmbeddedPostgres startPostgres() {
        return EmbeddedPostgres.start(
                folder().resolve("postgres"),
                EmbeddedServices.binaries(),
                Integer.getInteger(POSTGRES_PORT),
                folder().resolve("postgres.log"));
    }

    private static Path folder() {
        return Path.of(System.getProperty(FOLDER));
    }

    private static Path brokerPid() {
        return folder().resolve("kafka/broker.pid");
    }

    private static Path postmasterPid() {
        return folder().resolve("postgres/data/postmaster.pid");
    }

    /** @param file whose first line is the process's id */
    private static void kill(Path file) {
        try {
            long pid = Long.parseLong(Files.readAllLines(file).get(0).strip());
            ProcessHandle.of(pid).ifPresent(process -> {
                process.destroyForcibly();
                process.onExit().join();
            });
        } catch (IOException e) {
            throw new UncheckedIOException("nothing to kill", e);
        }
    }
}

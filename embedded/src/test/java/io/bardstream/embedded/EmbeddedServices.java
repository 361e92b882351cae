package io.bardstream.embedded;

import io.quarkus.test.common.QuarkusTestResourceLifecycleManager;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.IntFunction;

/**
 * A broker and a database for a service's tests: {@code @QuarkusTestResource(EmbeddedServices.class)}, or by hand where
 * a test is no Quarkus test.
 *
 * <p>One pair serves all tests of a JVM; it is new and empty when the first test asks for it and ends, with its folder,
 * when the JVM ends. Its ports and folder are its own, so builds may run side by side.
 *
 * <p>With the system property {@code bardstream.test.containers} it is a pair of {@link ContainerServices} instead.
 */
public final class EmbeddedServices implements QuarkusTestResourceLifecycleManager {
    /** The pair's settings stand in system properties: Quarkus loads this class more than once in a JVM. */
    private static final String BOOTSTRAP = "bardstream.test.kafka";

    private static final String URL = "bardstream.test.postgres.url";
    private static final String USER = "bardstream.test.postgres.user";
    private static final String PASSWORD = "bardstream.test.postgres.password";

    @Override
    public Map<String, String> start() {
        synchronized (Runtime.getRuntime()) { // one object a JVM, whatever loaded this class
            if (System.getProperty(BOOTSTRAP) == null) {
                if (Boolean.getBoolean("bardstream.test.containers")) {
                    startContainers();
                } else {
                    startPair();
                }
            }
        }
        return Map.of(
                "kafka.bootstrap.servers", System.getProperty(BOOTSTRAP),
                "quarkus.datasource.jdbc.url", System.getProperty(URL),
                "quarkus.datasource.username", System.getProperty(USER),
                "quarkus.datasource.password", System.getProperty(PASSWORD));
    }

    /** Nothing: the next test class uses the pair again. */
    @Override
    public void stop() {}

    private static void startPair() {
        Path folder = temporaryFolder();
        CompletableFuture<EmbeddedPostgres> database = CompletableFuture.supplyAsync(() -> onFreePort(port ->
                EmbeddedPostgres.start(folder.resolve("postgres"), binaries(), port, folder.resolve("postgres.log"))));
        EmbeddedKafka kafka = onFreePort(port ->
                EmbeddedKafka.start(folder.resolve("kafka"), port, FreePort.any(), folder.resolve("kafka.log")));
        EmbeddedPostgres postgres = database.join();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            kafka.process().destroyForcibly();
            postgres.close();
            Child.deleteTree(folder);
        }));
        System.setProperty(BOOTSTRAP, kafka.bootstrapServers());
        System.setProperty(URL, postgres.jdbcUrl());
        System.setProperty(USER, EmbeddedPostgres.USER);
        System.setProperty(PASSWORD, postgres.password());
    }

    private static void startContainers() {
        ContainerServices pair = ContainerServices.start();
        System.setProperty(BOOTSTRAP, pair.bootstrapServers());
        System.setProperty(URL, pair.postgres().getJdbcUrl());
        System.setProperty(USER, pair.postgres().getUsername());
        System.setProperty(PASSWORD, pair.postgres().getPassword());
    }

    /** A port may be taken between the draw and its use; then another is drawn. */
    static <T> T onFreePort(IntFunction<T> start) {
        for (int attempt = 1; ; attempt++) {
            try {
                return start.apply(FreePort.any());
            } catch (StartFailure failure) {
                if (attempt == 3) {
                    throw failure;
                }
            }
        }
    }

    static Path temporaryFolder() {
        try {
            return Files.createTempDirectory("bardstream-test-");
        } catch (IOException e) {
            throw new UncheckedIOException("No temporary folder could be made", e);
        }
    }

    /** One unpacked PostgreSQL for all builds of a user. */
    static Path binaries() {
        return Path.of(System.getProperty("java.io.tmpdir"), "bardstream-postgres-" + System.getProperty("user.name"));
    }
}

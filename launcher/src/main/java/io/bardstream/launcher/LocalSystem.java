package io.bardstream.launcher;

import io.bardstream.embedded.EmbeddedKafka;
import io.bardstream.embedded.EmbeddedPostgres;
import io.bardstream.embedded.StartFailure;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;

/**
 * Broker, database and the five services on this machine, each a supervised process of its own.
 *
 * <p>Start order: broker, database and libtorch side by side, then all services at once. Closing stops the services
 * first, then what they store in. Should this process be killed, every child ends by itself, for each is on a tether.
 */
final class LocalSystem implements AutoCloseable {
    private static final String KAFKA = "kafka";
    private static final String POSTGRES = "postgres";
    private static final int READY_SECONDS = 180;
    private static final int MOST_DEATHS_AT_START = 3;

    private final Installation installation;
    private final Home home;
    private final Ports ports;
    private final boolean manual;
    private final Map<String, String> settings;
    private final ClassArchives archives;
    private final Console console;
    private final Instant startedAt = Instant.now();
    private final long startedNanos = System.nanoTime();
    private final Map<String, Supervised> children = new LinkedHashMap<>();
    private final Map<Service, Supervised> services = new EnumMap<>(Service.class);

    private volatile EmbeddedPostgres database;
    private volatile String preset = "";
    private volatile boolean ready;
    private boolean closed;

    /**
     * A system that is not started yet.
     *
     * @param manual whether nothing is trained by itself
     * @param settings of all services, as environment variables, beside those they need anyhow
     * @param archives for the Java processes
     */
    LocalSystem(
            Installation installation,
            Home home,
            Ports ports,
            boolean manual,
            Map<String, String> settings,
            ClassArchives archives,
            Console console) {
        this.installation = installation;
        this.home = home;
        this.ports = ports;
        this.manual = manual;
        this.settings = settings;
        this.archives = archives;
        this.console = console;
    }

    /** The preset that is trained, {@code auto} resolved; known once started. */
    String preset() {
        return preset;
    }

    /** Starts everything and returns when every service is ready. */
    void start(String askedPreset) {
        markRunning();
        Supervised kafka = child(KAFKA, this::startKafka);
        Supervised postgres = child(POSTGRES, this::startPostgres);
        var broker = CompletableFuture.runAsync(() -> start(kafka));
        var store = CompletableFuture.runAsync(() -> start(postgres));
        var torch = CompletableFuture.supplyAsync(() -> Torch.prepare(installation));
        join(broker);
        report("Kafka", "127.0.0.1:" + ports.kafka());
        join(store);
        report("PostgreSQL", "127.0.0.1:" + ports.postgres());
        join(torch);
        preset = torch.join().preset(askedPreset);
        for (Service service : Service.values()) {
            var process =
                    new ServiceProcess(service, installation, home, settings(service, torch.join()), archives, console);
            Supervised supervised = child(service.label(), process::start);
            services.put(service, supervised);
            start(supervised);
        }
        awaitReady();
        ready = true;
        describe();
    }

    private void markRunning() {
        try {
            Files.createDirectories(installation.runningMark().getParent());
            Files.writeString(installation.runningMark(), home.path().toString());
        } catch (IOException e) {
            throw new CommandFailure(installation.runningMark() + " cannot be written (" + e + ").", e);
        }
    }

    /** Makes the class archive of every Java process that runs, after a start that recorded. */
    void makeClassArchives() throws IOException, InterruptedException {
        for (Supervised child : List.copyOf(children.values())) {
            if (!child.name().equals(POSTGRES) && child.pid().isPresent()) {
                archives.make(child.name(), child.pid().get());
            }
        }
    }

    private synchronized Supervised child(String name, Supervised.Start start) {
        if (closed) {
            throw new CommandFailure("Stopped while starting");
        }
        Supervised child = new Supervised(name, start, console, this::describe);
        children.put(name, child);
        return child;
    }

    private static void start(Supervised child) {
        try {
            child.start();
        } catch (IOException e) {
            throw new UncheckedIOException(child.name() + " could not be started", e);
        }
    }

    private static void join(CompletableFuture<?> started) {
        try {
            started.join();
        } catch (CompletionException e) {
            throw new CommandFailure(e.getCause().getMessage(), e.getCause());
        }
    }

    private Supervised.Running startKafka() {
        System.setProperty(
                EmbeddedKafka.LIBRARIES, installation.kafkaLibraries().toString());
        EmbeddedKafka kafka = EmbeddedKafka.start(
                home.kafka(), ports.kafka(), ports.kafkaController(), home.log(KAFKA), archives.options(KAFKA));
        return new Supervised.Running(kafka.process(), kafka::close);
    }

    private Supervised.Running startPostgres() {
        EmbeddedPostgres postgres = EmbeddedPostgres.start(
                home.postgres(), installation.postgresBinaries(), ports.postgres(), home.log(POSTGRES));
        database = postgres;
        return new Supervised.Running(postgres.process(), postgres::close);
    }

    private Map<String, String> settings(Service service, Torch torch) {
        Map<String, String> all = new HashMap<>(settings);
        all.putAll(Map.of(
                "BARDSTREAM_HOME", home.path().toString(),
                "BARDSTREAM_CURRICULUM", Boolean.toString(!manual),
                "BARDSTREAM_PRESET", preset,
                "BARDSTREAM_PARENT_WATCH", "true",
                "KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:" + ports.kafka(),
                "QUARKUS_HTTP_PORT", Integer.toString(ports.of(service)),
                "QUARKUS_DATASOURCE_JDBC_URL", database.jdbcUrl(),
                "QUARKUS_DATASOURCE_USERNAME", EmbeddedPostgres.USER,
                "QUARKUS_DATASOURCE_PASSWORD", database.password()));
        if (service.torch()) {
            all.put("DJL_CACHE_DIR", torch.cache().toString());
        }
        return all;
    }

    private void awaitReady() {
        Set<Service> waiting = EnumSet.allOf(Service.class);
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(READY_SECONDS);
        while (!waiting.isEmpty()) {
            for (Service service : List.copyOf(waiting)) {
                if (isReady(service)) {
                    waiting.remove(service);
                    report(service.module(), ports.uri(service).toString());
                } else if (services.get(service).deaths() >= MOST_DEATHS_AT_START) {
                    throw new CommandFailure(
                            service.module() + " ends again and again while starting; its words are in "
                                    + home.log(service.label()) + ".");
                }
            }
            if (System.nanoTime() > deadline) {
                throw new CommandFailure("Not ready after " + READY_SECONDS + " s: " + waiting + ". Their words are in "
                        + home.logs() + "; see `bardstream logs`.");
            }
            pause();
        }
    }

    boolean isReady(Service service) {
        return new Api(ports.uri(service)).answers("/q/health/ready", 200);
    }

    private static void pause() {
        try {
            TimeUnit.MILLISECONDS.sleep(200);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CommandFailure("Interrupted while starting", e);
        }
    }

    private void report(String name, String address) {
        console.line(String.format(
                Locale.ROOT, "  %-18s %-24s %5.1f s", name, address, (System.nanoTime() - startedNanos) / 1e9));
    }

    /** Writes what runs into the home. */
    private synchronized void describe() {
        Map<String, Long> pids = new LinkedHashMap<>();
        children.values().forEach(child -> child.pid().ifPresent(pid -> pids.put(child.name(), pid)));
        try {
            new Instance(ProcessHandle.current().pid(), ports.base(), preset, manual, startedAt.toString(), ready, pids)
                    .write(home.instanceFile());
        } catch (IOException e) {
            console.problem("bardstream", home.instanceFile() + " cannot be written: " + e);
        }
    }

    /** Stops everything; returns when nothing runs any more. */
    @Override
    public void close() {
        List<Supervised> first = new ArrayList<>();
        List<Supervised> then = new ArrayList<>();
        synchronized (this) {
            closed = true;
            children.forEach((name, child) -> (Service.of(name).isPresent() ? first : then).add(child));
        }
        stop(first);
        stop(then);
        try {
            Files.deleteIfExists(installation.runningMark());
        } catch (IOException e) {
            console.problem("bardstream", installation.runningMark() + " cannot be deleted: " + e);
        }
    }

    private void stop(List<Supervised> these) {
        CompletableFuture<?>[] stops = these.stream()
                .map(child -> {
                    CompletableFuture<Void> done = new CompletableFuture<>();
                    new Thread(
                                    () -> {
                                        try {
                                            child.close();
                                        } finally {
                                            done.complete(null);
                                        }
                                    },
                                    "stop-" + child.name())
                            .start();
                    return done;
                })
                .toArray(CompletableFuture[]::new);
        CompletableFuture.allOf(stops).join();
    }

    /** What a start may fail with, as one line. */
    static boolean isStartFailure(RuntimeException e) {
        return e instanceof StartFailure || e instanceof UncheckedIOException;
    }
}

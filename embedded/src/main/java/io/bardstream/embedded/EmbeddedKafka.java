package io.bardstream.embedded;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A real Kafka broker in a JVM of its own: one node in KRaft mode on the loopback interface, its records in a folder that outlives it.
 *
 * <p>Guarantees: when {@link #start} returns, the broker accepts producers and consumers. It ends with this process, however this process ends. Every
 * acknowledged record is there again after a kill -9 of the broker and a new start on the same folder. Topics are never created by use. Its classpath (Scala,
 * log4j) is its own.
 */
public final class EmbeddedKafka implements AutoCloseable {
    /** The largest record, for tokenizers travel whole. */
    public static final int MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

    /** System property that names the folder with the broker's jars; without it they are looked for beside this class's own jar or classes folder. */
    public static final String LIBRARIES = "bardstream.kafka.lib";

    private static final int STOP_SECONDS = 12;

    private final Process process;
    private final int port;

    private EmbeddedKafka(Process process, int port) {
        this.process = process;
        this.port = port;
    }

    /**
     * Starts a broker on a new or existing folder and waits until it serves.
     *
     * @param folder its records and settings
     * @param port for clients
     * @param controllerPort for the broker's own metadata quorum
     * @param log the file for the broker's log, rotated at 10 MB
     * @param options more options for the broker's JVM
     */
    public static EmbeddedKafka start(Path folder, int port, int controllerPort, Path log, String... options) {
        try {
            Files.createDirectories(folder.resolve("data"));
            Files.createDirectories(log.toAbsolutePath().getParent());
            Path pid = folder.resolve("broker.pid");
            Path settings = folder.toAbsolutePath().resolve("server.properties");
            endStale(pid, settings);
            Files.writeString(settings, settings(port, controllerPort));
            Process process = new ProcessBuilder(Child.ownSession(command(settings, log, options)))
                    .directory(folder.toFile())
                    .redirectError(ProcessBuilder.Redirect.appendTo(
                            log.resolveSibling(log.getFileName() + ".err").toFile()))
                    .start();
            Files.writeString(pid, Long.toString(process.pid()));
            awaitReady(process, log, port);
            return new EmbeddedKafka(process, port);
        } catch (IOException e) {
            throw new UncheckedIOException("Kafka could not be started in " + folder, e);
        }
    }

    /** For {@code bootstrap.servers}. */
    public String bootstrapServers() {
        return "127.0.0.1:" + port;
    }

    /** The broker's process, to watch it. */
    public Process process() {
        return process;
    }

    /** Stops the broker cleanly; kills it where that takes over {@value #STOP_SECONDS} seconds. */
    @Override
    public void close() {
        Child.stop(process, STOP_SECONDS);
    }

    private static void endStale(Path pid, Path settings) throws IOException {
        if (Files.exists(pid)) {
            String text = Files.readString(pid).strip();
            if (text.matches("\\d+")) {
                Child.endStale(Long.parseLong(text), settings.toString(), STOP_SECONDS);
            }
        }
    }

    private static void awaitReady(Process process, Path log, int port) throws IOException {
        BufferedReader output = process.inputReader(StandardCharsets.UTF_8);
        for (String line = output.readLine(); line != null; line = output.readLine()) {
            if (line.equals(KafkaBroker.READY)) {
                discard(output);
                return;
            }
        }
        throw new StartFailure("Kafka ended while it was starting on 127.0.0.1:" + port
                + ". Expected it to serve; its last words are in " + log + " and " + log + ".err.");
    }

    /** A pipe that nobody reads would fill up and stop the broker at its next word. */
    private static void discard(BufferedReader output) {
        Thread thread = new Thread(
                () -> {
                    try (output) {
                        output.transferTo(Writer.nullWriter());
                    } catch (IOException ended) {
                        // The broker is gone, and with it what there was to read.
                    }
                },
                "kafka-output");
        thread.setDaemon(true);
        thread.start();
    }

    private static List<String> command(Path settings, Path log, String... options) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of(
                "-Xms32m",
                "-Xmx256m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-XX:-UsePerfData",
                "-Djava.awt.headless=true",
                "-Dlog4j2.configurationFile=kafka-log4j2.properties",
                "-Dbardstream.log=" + log.toAbsolutePath()));
        command.addAll(Arrays.asList(options));
        command.add("-cp");
        command.add(classpath());
        command.add(KafkaBroker.class.getName());
        command.add(settings.toString());
        return command;
    }

    private static String classpath() throws IOException {
        Path own = ownLocation();
        Path libraries = Optional.ofNullable(System.getProperty(LIBRARIES))
                .map(Path::of)
                .orElseGet(() -> own.resolveSibling("kafka").resolve("lib"));
        if (!Files.isDirectory(libraries)) {
            throw new StartFailure("No Kafka found in " + libraries
                    + ". Expected the broker's jars there; build the module `embedded`, or name their folder with -D"
                    + LIBRARIES + ".");
        }
        try (Stream<Path> jars = Files.list(libraries)) {
            return Stream.concat(Stream.of(own), jars.sorted(Comparator.naturalOrder()))
                    .map(Path::toString)
                    .reduce((left, right) -> left + File.pathSeparator + right)
                    .orElseThrow();
        }
    }

    private static Path ownLocation() {
        try {
            return Path.of(EmbeddedKafka.class
                    .getProtectionDomain()
                    .getCodeSource()
                    .getLocation()
                    .toURI());
        } catch (URISyntaxException e) {
            throw new StartFailure("The module `embedded` was loaded from no file", e);
        }
    }

    /**
     * One replica of everything, for there is one node; sizes for one machine rather than for a cluster. No empty record twice a second in the metadata log,
     * which only tells other nodes how far behind they are. The data folder is relative to the broker's working
     * folder, for a comma in an absolute path would be read as two folders.
     */
    private static String settings(int port, int controllerPort) {
        return """
                process.roles=broker,controller
                node.id=1
                controller.quorum.voters=1@127.0.0.1:%2$d
                listeners=PLAINTEXT://127.0.0.1:%1$d,CONTROLLER://127.0.0.1:%2$d
                advertised.listeners=PLAINTEXT://127.0.0.1:%1$d
                listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
                controller.listener.names=CONTROLLER
                log.dirs=data
                auto.create.topics.enable=false
                default.replication.factor=1
                offsets.topic.replication.factor=1
                offsets.topic.num.partitions=1
                transaction.state.log.replication.factor=1
                transaction.state.log.min.isr=1
                transaction.state.log.num.partitions=1
                share.coordinator.state.topic.replication.factor=1
                share.coordinator.state.topic.min.isr=1
                message.max.bytes=%3$d
                replica.fetch.max.bytes=%3$d
                broker.session.timeout.ms=3000
                broker.heartbeat.interval.ms=1000
                metadata.max.idle.interval.ms=0
                group.initial.rebalance.delay.ms=0
                log.segment.bytes=67108864
                log.index.size.max.bytes=1048576
                log.cleaner.dedupe.buffer.size=8388608
                num.network.threads=2
                num.io.threads=4
                """.formatted(port, controllerPort, MAX_MESSAGE_BYTES);
    }
}

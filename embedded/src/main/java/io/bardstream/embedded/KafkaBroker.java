package io.bardstream.embedded;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import kafka.tools.StorageTool;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.utils.Time;

/**
 * The main class of the broker's own JVM: one Kafka node in KRaft mode, broker and controller in one. Its only argument is the path of
 * server.properties; an unformatted data folder is formatted first.
 *
 * <p>It writes one line, {@value #READY}, to standard output when it can serve, and lives until its standard input ends: an end that comes when the
 * parent closes it and also when the parent is killed, so that no broker outlives its parent.
 */
public final class KafkaBroker {
    static final String READY = "ready";

    private static final int SHUTDOWN_SECONDS = 10;

    private KafkaBroker() {}

    /** Serves until standard input ends. */
    public static void main(String[] arguments) throws IOException {
        Path file = Path.of(arguments[0]);
        Properties properties = new Properties();
        try (Reader reader = Files.newBufferedReader(file)) {
            properties.load(reader);
        }
        format(file, Path.of(properties.getProperty("log.dirs")));
        KafkaRaftServer server = new KafkaRaftServer(new KafkaConfig(properties), Time.SYSTEM);
        server.startup();
        System.out.println(READY);
        awaitEndOfInput();
        haltAfter(SHUTDOWN_SECONDS);
        server.shutdown();
        server.awaitShutdown();
        System.exit(0);
    }

    private static void format(Path properties, Path data) {
        if (Files.exists(data.resolve("meta.properties"))) {
            return;
        }
        String[] command = {
            "format", "-t", Uuid.randomUuid().toString(), "-c", properties.toString(), "--ignore-formatted"
        };
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        int status = StorageTool.execute(command, new PrintStream(said, true, StandardCharsets.UTF_8));
        if (status != 0) {
            throw new IllegalStateException(
                    "Kafka could not format " + data + ": " + said.toString(StandardCharsets.UTF_8));
        }
    }

    private static void awaitEndOfInput() throws IOException {
        byte[] ignored = new byte[64];
        while (System.in.read(ignored) >= 0) {
            // Nothing is ever sent: only the end counts.
        }
    }

    /** A shutdown that hangs must not keep the ports and the data folder's lock. */
    private static void haltAfter(int seconds) {
        Thread halt = new Thread(
                () -> {
                    try {
                        Thread.sleep(seconds * 1000L);
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                    Runtime.getRuntime().halt(1);
                },
                "halt");
        halt.setDaemon(true);
        halt.start();
    }
}

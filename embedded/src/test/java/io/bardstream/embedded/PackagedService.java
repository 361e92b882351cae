package io.bardstream.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * The packaged service of the module that is tested as a process of its own, against the embedded broker and database: to have several of it, to pause it and to
 * kill it.
 */
public final class PackagedService implements AutoCloseable {
    private static final Logger KAFKA = Logger.getLogger("org.apache.kafka");

    static {
        KAFKA.setLevel(Level.SEVERE);
    }

    public static final Duration SOON = Duration.ofMinutes(2);

    private static final Path JAR = Path.of("target", "quarkus-app", "quarkus-run.jar");

    private final HttpClient http = HttpClient.newHttpClient();
    private final Process process;
    private final int port;
    private final Path log;

    private PackagedService(Process process, int port, Path log) {
        this.process = process;
        this.port = port;
        this.log = log;
    }

    /**
     * Starts it and returns at once; the curriculum is off unless the settings say otherwise.
     *
     * @param log where its log goes; it stays after the test
     */
    public static PackagedService start(Path home, Path log, Map<String, String> settings) throws IOException {
        Map<String, String> all = new TreeMap<>(new EmbeddedServices().start());
        int port = FreePort.any();
        all.put("bardstream.home", home.toString());
        all.put("bardstream.curriculum", "false");
        all.put("bardstream.parent-watch", "true");
        all.put("mp.messaging.connector.smallrye-kafka.session.timeout.ms", "6000");
        all.put("quarkus.http.port", Integer.toString(port));
        all.putAll(settings);
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-XX:-UsePerfData"));
        all.forEach((name, value) -> command.add("-D" + name + "=" + value));
        command.addAll(List.of("-jar", JAR.toAbsolutePath().toString()));
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                .start();
        return new PackagedService(process, port, log);
    }

    /** The log of a test's service. */
    public static Path log(Object test, String name) {
        return Path.of("target", test.getClass().getSimpleName() + name + ".log");
    }

    public int port() {
        return port;
    }

    /** Without a slash at its end. */
    public String url() {
        return "http://127.0.0.1:" + port;
    }

    public long pid() {
        return process.pid();
    }

    public void awaitReady() {
        await().atMost(SOON).pollInterval(Duration.ofMillis(100)).until(() -> {
            assertThat(process.isAlive())
                    .as(() -> "the service ended:\n" + log())
                    .isTrue();
            return status("/q/health/ready") == 200;
        });
    }

    /** What a GET is answered with; 0 where nobody answers. */
    public int status(String path) throws InterruptedException {
        try {
            return http.send(HttpRequest.newBuilder(URI.create(url() + path)).build(), BodyHandlers.discarding())
                    .statusCode();
        } catch (IOException notYet) {
            return 0;
        }
    }

    /** The sum of a counter over its tags, from {@code /q/metrics}. */
    public double counted(String counter) throws IOException, InterruptedException {
        return http.send(
                        HttpRequest.newBuilder(URI.create(url() + "/q/metrics")).build(), BodyHandlers.ofLines())
                .body()
                .filter(line -> line.startsWith(counter + "{") || line.startsWith(counter + " "))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }

    public String log() {
        try {
            return Files.readString(log);
        } catch (IOException e) {
            return e.toString();
        }
    }

    /** {@code kill -9}. */
    public void kill() throws InterruptedException {
        process.destroyForcibly();
        assertThat(process.waitFor(SOON.toSeconds(), TimeUnit.SECONDS)).isTrue();
    }

    /** SIGTERM; returns the exit code. */
    public int end() throws IOException, InterruptedException {
        signal("-TERM");
        return ended();
    }

    /** Ends as {@link #end} does, but because its parent closed the pipe between them. */
    public int endByParent() throws IOException, InterruptedException {
        process.getOutputStream().close();
        return ended();
    }

    private int ended() throws InterruptedException {
        assertThat(process.waitFor(SOON.toSeconds(), TimeUnit.SECONDS)).isTrue();
        return process.exitValue();
    }

    public void pause() throws IOException, InterruptedException {
        signal("-STOP");
    }

    public void wake() throws IOException, InterruptedException {
        signal("-CONT");
    }

    private void signal(String signal) throws IOException, InterruptedException {
        assertThat(new ProcessBuilder("kill", signal, Long.toString(pid()))
                        .start()
                        .waitFor())
                .isZero();
    }

    @Override
    public void close() throws InterruptedException {
        kill();
    }
}

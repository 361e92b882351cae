package io.bardstream.trainer;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.bardstream.embedded.EmbeddedServices;
import io.bardstream.embedded.FreePort;
import io.bardstream.event.EventJson;
import io.bardstream.event.StepMetrics;
import io.restassured.path.json.JsonPath;
import io.restassured.specification.RequestSpecification;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
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

/** The packaged trainer as a process of its own, against the embedded broker and database, to be paused and killed. */
final class TrainerProcess implements AutoCloseable {
    private static final Logger KAFKA = Logger.getLogger("org.apache.kafka");

    static {
        KAFKA.setLevel(Level.SEVERE);
    }

    static final Duration SOON = Duration.ofMinutes(2);

    private static final Path JAR = Path.of("target", "quarkus-app", "quarkus-run.jar");

    private final Process process;
    private final int port;
    private final Path log;

    private TrainerProcess(Process process, int port, Path log) {
        this.process = process;
        this.port = port;
        this.log = log;
    }

    /** Starts a trainer and returns at once; the curriculum is off unless the settings say otherwise. */
    static TrainerProcess start(Path home, Path log, Map<String, String> settings) throws IOException {
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
        return new TrainerProcess(process, port, log);
    }

    /** The log of a test's trainer; it stays after the test. */
    static Path log(Object test, String name) {
        return Path.of("target", test.getClass().getSimpleName() + name + ".log");
    }

    long pid() {
        return process.pid();
    }

    void awaitReady() {
        await().atMost(SOON).pollInterval(Duration.ofMillis(100)).until(() -> {
            assertThat(process.isAlive())
                    .as(() -> "the trainer ended:\n" + log())
                    .isTrue();
            return answers();
        });
    }

    private boolean answers() {
        try {
            return http().get("/q/health/ready").statusCode() == 200;
        } catch (Exception notYet) {
            return false;
        }
    }

    RequestSpecification http() {
        return given().baseUri("http://127.0.0.1").port(port);
    }

    /** Asks for a run, when what the request names has come to this trainer over the topics. */
    String submit(Map<String, ?> run) {
        return await().atMost(SOON)
                .until(
                        () -> http().contentType("application/json").body(run).post("/v1/runs"),
                        answer -> answer.statusCode() == 202)
                .path("id");
    }

    JsonPath run(String id) {
        return http().get("/v1/runs/" + id).jsonPath();
    }

    void awaitStatus(String id, String status) {
        await().atMost(SOON).until(() -> !List.of("queued", "running").contains(run(id).getString("status")));
        JsonPath view = run(id);
        assertThat(view.getString("status"))
                .as(() -> view.getString("error") + "\n" + log())
                .isEqualTo(status);
    }

    /** Steps and sums of a run's announced checkpoints. */
    Map<Integer, String> announced(String run) {
        Map<Integer, String> sums = new TreeMap<>();
        List<Map<String, Object>> checkpoints =
                http().get("/v1/checkpoints").jsonPath().getList("data.findAll { it.run == '" + run + "' }");
        checkpoints.forEach(
                checkpoint -> sums.put((Integer) checkpoint.get("step"), (String) checkpoint.get("sha256")));
        return sums;
    }

    List<StepMetrics> metrics(String run) {
        return http().accept("application/jsonl")
                .get("/v1/runs/" + run + "/metrics")
                .asString()
                .lines()
                .map(line -> EventJson.read(line.getBytes(StandardCharsets.UTF_8), StepMetrics.class))
                .toList();
    }

    String log() {
        try {
            return Files.readString(log);
        } catch (IOException e) {
            return e.toString();
        }
    }

    /** {@code kill -9}. */
    void kill() throws InterruptedException {
        process.destroyForcibly();
        assertThat(process.waitFor(SOON.toSeconds(), TimeUnit.SECONDS)).isTrue();
    }

    void pause() throws IOException, InterruptedException {
        signal("-STOP");
    }

    void wake() throws IOException, InterruptedException {
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

package io.bardstream.trainer;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.hamcrest.Matchers.lessThan;

import io.bardstream.embedded.PackagedService;
import io.bardstream.event.EventJson;
import io.bardstream.event.StepMetrics;
import io.restassured.path.json.JsonPath;
import io.restassured.specification.RequestSpecification;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The packaged trainer as a process of its own, against the embedded broker and database, to be paused and killed. */
final class TrainerProcess implements AutoCloseable {
    static final Duration SOON = PackagedService.SOON;

    private final PackagedService service;

    private TrainerProcess(PackagedService service) {
        this.service = service;
    }

    /** Starts a trainer and returns at once; the curriculum is off unless the settings say otherwise. */
    static TrainerProcess start(Path home, Path log, Map<String, String> settings) throws IOException {
        return new TrainerProcess(PackagedService.start(home, log, settings));
    }

    long pid() {
        return service.pid();
    }

    void awaitReady() {
        service.awaitReady();
    }

    RequestSpecification http() {
        return given().baseUri("http://127.0.0.1").port(service.port());
    }

    /** Asks for a run, when what the request names has come to this trainer over the topics. */
    String submit(Map<String, ?> run) {
        return await().atMost(SOON)
                .until(
                        () -> http().contentType("application/json").body(run).post("/v1/runs"),
                        answer -> answer.statusCode() == 202)
                .path("id");
    }

    void cancel(String id) {
        http().post("/v1/runs/" + id + "/cancel").then().statusCode(lessThan(300));
        awaitStatus(id, "cancelled");
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

    /** Where a run's measurements can be followed as events. */
    URI follow(String run) {
        return URI.create(service.url() + "/v1/runs/" + run + "/metrics");
    }

    String log() {
        return service.log();
    }

    /** {@code kill -9}. */
    void kill() throws InterruptedException {
        service.kill();
    }

    /** SIGTERM; returns the exit code. */
    int end() throws IOException, InterruptedException {
        return service.end();
    }

    /** The end of its parent; returns the exit code. */
    int endByParent() throws IOException, InterruptedException {
        return service.endByParent();
    }

    void pause() throws IOException, InterruptedException {
        service.pause();
    }

    void wake() throws IOException, InterruptedException {
        service.wake();
    }

    @Override
    public void close() throws InterruptedException {
        kill();
    }
}

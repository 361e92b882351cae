package io.bardstream.training;

import static io.restassured.RestAssured.given;
import static io.restassured.RestAssured.when;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.hamcrest.Matchers.equalTo;

import io.bardstream.event.Dataset;
import io.bardstream.event.EventJson;
import io.bardstream.event.StepMetrics;
import io.restassured.path.json.JsonPath;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Runs over HTTP, as a test asks for them and follows them. */
public final class RunsApi {
    private static final Duration SOON = Duration.ofMinutes(2);

    private RunsApi() {}

    /** Asks for a run; its id. */
    public static String submit(Map<String, ?> body) {
        return given().contentType("application/json")
                .body(body)
                .post("/v1/runs")
                .then()
                .statusCode(202)
                .extract()
                .path("id");
    }

    /** Asks for a run that must be refused, by the name of a field. */
    public static void refused(Map<String, ?> body, String param) {
        given().contentType("application/json")
                .body(body)
                .post("/v1/runs")
                .then()
                .statusCode(400)
                .body("error.param", equalTo(param));
    }

    /** Waits until runs of a stage can be asked for on a dataset. */
    public static void awaitKnown(Dataset dataset, String stage) {
        await().atMost(SOON).until(() -> given().contentType("application/json")
                .body(Map.of("stage", stage, "dataset", dataset.id(), "parent", "not-there"))
                .post("/v1/runs")
                .path("error.param")
                .equals("parent"));
    }

    /** Waits for the run that the curriculum starts on a dataset; its id. */
    public static String awaitRun(Dataset dataset, String stage) {
        await().atMost(SOON).until(() -> !runs(dataset, stage).isEmpty());
        return runs(dataset, stage).get(0);
    }

    private static List<String> runs(Dataset dataset, String stage) {
        return when().get("/v1/runs")
                .jsonPath()
                .getList("data.findAll { it.dataset == '%s' && it.stage == '%s' }.id".formatted(dataset.id(), stage));
    }

    public static JsonPath run(String id) {
        return when().get("/v1/runs/" + id).jsonPath();
    }

    /** Waits until a run has ended, in this way. */
    public static void awaitStatus(String id, String status) {
        await().atMost(SOON).until(() -> !List.of("queued", "running").contains(run(id).getString("status")));
        JsonPath view = run(id);
        assertThat(view.getString("status")).as("%s", view.getString("error")).isEqualTo(status);
    }

    /** Cancels a run and waits until its worker has left it. */
    public static void cancel(String id) {
        when().post("/v1/runs/" + id + "/cancel").then().statusCode(200);
        awaitStatus(id, "cancelled");
    }

    /** What a run measured, step by step. */
    public static List<StepMetrics> metrics(String id) {
        return given().accept("application/jsonl")
                .get("/v1/runs/" + id + "/metrics")
                .asString()
                .lines()
                .map(line -> EventJson.read(line.getBytes(StandardCharsets.UTF_8), StepMetrics.class))
                .toList();
    }

    /** The best checkpoint of a run that succeeds. */
    public static JsonPath checkpoint(String run) {
        awaitStatus(run, "succeeded");
        return when().get("/v1/checkpoints/" + run(run).getString("checkpoint")).jsonPath();
    }

    /** Steps and sums of a run's announced checkpoints. */
    public static Map<Integer, String> announced(String run) {
        Map<Integer, String> sums = new HashMap<>();
        List<Map<String, Object>> checkpoints =
                when().get("/v1/checkpoints").jsonPath().getList("data.findAll { it.run == '" + run + "' }");
        checkpoints.forEach(
                checkpoint -> sums.put((Integer) checkpoint.get("step"), (String) checkpoint.get("sha256")));
        return sums;
    }
}

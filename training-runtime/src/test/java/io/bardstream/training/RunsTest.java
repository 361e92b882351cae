package io.bardstream.training;

import static io.restassured.RestAssured.given;
import static io.restassured.RestAssured.when;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasItems;
import static org.hamcrest.Matchers.hasKey;
import static org.hamcrest.Matchers.hasSize;
import static org.hamcrest.Matchers.not;

import io.bardstream.checkpoint.CheckpointStore;
import io.bardstream.embedded.Broker;
import io.bardstream.embedded.EmbeddedServices;
import io.bardstream.event.Checkpoint;
import io.bardstream.event.Dataset;
import io.bardstream.event.Promotion;
import io.bardstream.event.Stage;
import io.bardstream.event.StepMetrics;
import io.bardstream.event.Topics;
import io.bardstream.event.TrainingRequest;
import io.bardstream.service.BardstreamHome;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What becomes of a run, seen from the topics and from HTTP, with a stage that trains a single number. */
@QuarkusTest
@WithTestResource(EmbeddedServices.class)
class RunsTest {
    private static final String TEXT = "Shall I compare thee to a summer's day? ".repeat(30);
    private static final Duration SOON = Duration.ofMinutes(2);

    @Inject
    RunQueue queue;

    @Inject
    RunWorker worker;

    @Inject
    Pruning pruning;

    @Inject
    BardstreamHome home;

    @ConfigProperty(name = "kafka.bootstrap.servers")
    String kafka;

    @TestHTTPResource("/v1/runs")
    URI runs;

    private PublishedCorpus corpus;

    @BeforeEach
    void corpus() {
        CountingStage.open();
        corpus = new PublishedCorpus(kafka, TEXT, 280);
    }

    @AfterEach
    void close() {
        CountingStage.open();
        await().atMost(SOON).until(() -> queue.all().stream().allMatch(run -> run.status.ended()));
        corpus.close();
    }

    @Test
    void aDatasetWithItsTokenizerStartsOneRunHoweverOftenItIsTold() throws IOException {
        // Given a dataset whose manifest came before its tokenizer
        Dataset dataset = corpus.publishBlocks(100);
        corpus.send(Topics.DATASETS.name(), dataset.id(), dataset);
        corpus.send(Topics.TOKENIZERS.name(), corpus.tokenizer().id(), corpus.tokenizer());

        // When the run that it starts has succeeded, and all is told again
        Run run = awaitRunOf(dataset, RunStatus.SUCCEEDED);
        corpus.announce(dataset);
        TrainingRequest request = requests(run.id).get(0);
        corpus.send(Topics.TRAINING_REQUESTS.name(), run.id, request);
        corpus.announce(dataset);
        awaitTaken();

        // Then there is that run alone, its request is announced with every default, and its better checkpoints are too
        assertThat(runsOf(dataset)).hasSize(1);
        assertThat(request.requestedBy()).isEqualTo(TrainingRequest.CURRICULUM);
        assertThat(request.hyperparameters().steps()).isEqualTo(CountingStage.STEPS);
        List<Checkpoint> announced = checkpoints(run.id);
        assertThat(announced).extracting(Checkpoint::step).containsExactly(5L, 10L, 15L, 20L);
        Checkpoint best = announced.get(3);
        assertThat(run.checkpoint).isEqualTo(best.id());
        assertThat(run.bestValidationLoss).isEqualTo(3.0);
        assertThat(when().get("/v1/runs/" + run.id).jsonPath().getString("verdict"))
                .isEqualTo("The loss stands still"); // as its newest measurements say, the first ten do not
        assertThat(best.id()).matches("pretrain-[0-9a-f]{8}-000020");
        Path folder = new CheckpointStore(home.checkpoints()).verify(best.path(), best.sha256());
        assertThat(folder.resolve("tokenizer.json")).hasContent(corpus.bpe().toJson());
        assertThat(folder.resolve("run.json"))
                .content()
                .contains(dataset.splits().get(0).sha256());
    }

    @Test
    void aDamagedBlockFailsTheRunAndSaysWhere() {
        // Given a manifest whose sha256 is not that of its blocks
        Dataset sound = corpus.publishBlocks(100);
        Dataset.Split train = sound.splits().get(0);
        Dataset wrong = corpus.manifest(new Dataset.Split(
                train.name(), train.tokens(), train.bytes(), train.blocks(), "0".repeat(64), train.ranges()));

        // When it is told
        corpus.announce(wrong);

        // Then the run fails and names the offsets
        Run run = awaitRunOf(wrong, RunStatus.FAILED);
        assertThat(run.error)
                .contains("token-batches-")
                .contains("[" + train.ranges().get(0).start() + ", ");
    }

    @Test
    void aRunAskedForByHandIsFollowedAndCancelled() throws Exception {
        // Given a run that stands before its seventh step
        Dataset dataset = corpus.publish(100);
        awaitRunOf(dataset, RunStatus.SUCCEEDED);
        CountingStage.close();
        CountingStage.GATE.release(6);
        String id = RunsApi.submit(Map.of(
                "stage", "pretrain", "dataset", dataset.id(), "seed", 7, "hyperparameters", Map.of("steps", 100)));
        await().atMost(SOON).until(() -> find(id).step == 6);
        assertThat(when().get("/q/metrics").asString())
                .contains("bardstream_training_step 6.0", "bardstream_training_validation_loss 4.5");

        // When someone follows it while it is cancelled
        HttpResponse<Stream<String>> live = HttpClient.newHttpClient()
                .send(
                        HttpRequest.newBuilder(URI.create(runs + "/" + id + "/metrics"))
                                .header("Accept", "text/event-stream")
                                .build(),
                        HttpResponse.BodyHandlers.ofLines());
        when().post("/v1/runs/" + id + "/cancel").then().statusCode(200);

        // Then the events end with the run, which keeps its best checkpoint, and cancelling again changes nothing
        List<String> events =
                live.body().filter(line -> line.startsWith("data:")).toList();
        assertThat(events).hasSize(6);
        assertThat(events.get(4)).contains("\"validation_loss\":4.5");
        await().atMost(SOON).until(() -> find(id).status == RunStatus.CANCELLED);
        assertThat(when().get("/q/metrics").asString())
                .contains(
                        "bardstream_training_step NaN",
                        "bardstream_training_runs_total{stage=\"pretrain\",status=\"cancelled\"}");
        assertThat(find(id).checkpoint).endsWith("-000005");
        when().post("/v1/runs/" + id + "/cancel").then().statusCode(200).body("status", equalTo("cancelled"));
        when().get("/v1/runs/" + id)
                .then()
                .body("seed", equalTo(7))
                .body("steps", equalTo(100))
                .body("hyperparameters.learning_rate", equalTo(0.01f))
                .body("$", hasKey("error"));
        String lines = given().accept("application/jsonl")
                .get("/v1/runs/" + id + "/metrics")
                .then()
                .statusCode(200)
                .extract()
                .asString();
        assertThat(lines.lines()).hasSize(6);
        await().atMost(SOON)
                .until(() -> new Broker(kafka)
                                .read(Topics.TRAINING_METRICS).stream()
                                        .map(StepMetrics::runId)
                                        .filter(id::equals)
                                        .count()
                        == 6);
    }

    @Test
    void aRunThatWaitsIsCancelledAtOnceAndOneThatEndedIsNot() {
        // Given a run that is trained and another behind it
        Dataset dataset = corpus.publish(100);
        Run ended = awaitRunOf(dataset, RunStatus.SUCCEEDED);
        CountingStage.close();
        String first = RunsApi.submit(Map.of("stage", "pretrain", "dataset", dataset.id()));
        await().atMost(SOON).until(() -> find(first).status == RunStatus.RUNNING);
        String second = RunsApi.submit(Map.of("stage", "pretrain", "dataset", dataset.id()));

        // When the one that waits is cancelled, then it has ended, and the one that ended is refused
        when().post("/v1/runs/" + second + "/cancel").then().statusCode(200).body("status", equalTo("cancelled"));
        when().post("/v1/runs/" + ended.id + "/cancel").then().statusCode(409);
        CountingStage.open();
        await().atMost(SOON).until(() -> find(first).status == RunStatus.SUCCEEDED);
        assertThat(find(second).status).isEqualTo(RunStatus.CANCELLED);
        when().get("/v1/runs").then().body("data.id", hasItems(first, second));
        when().get("/v1/checkpoints").then().body("data.run", hasItems(first)).body("data.run", not(hasItems(second)));
        String newest = find(first).checkpoint;
        when().get("/v1/checkpoints").then().body("data[0].id", equalTo(newest));
        when().get("/v1/checkpoints/" + newest).then().body("metrics.validation_loss", equalTo(3.0f));
    }

    @Test
    void aRequestThatCannotWorkIsRefusedByName() {
        // Given a dataset
        Dataset dataset = corpus.publish(100);
        awaitRunOf(dataset, RunStatus.SUCCEEDED);
        int before = queue.all().size();

        // When and then
        refused(Map.of("stage", "pretrain", "dataset", "nobody"), "dataset");
        refused(Map.of("stage", "pretrain"), "dataset");
        refused(Map.of("dataset", dataset.id()), "stage");
        refused(Map.of("stage", "sing", "dataset", dataset.id()), "stage");
        refused(Map.of("stage", "reward", "dataset", dataset.id()), "stage");
        refused(Map.of("stage", "pretrain", "dataset", dataset.id(), "preset", "huge"), "preset");
        refused(Map.of("stage", "pretrain", "dataset", dataset.id(), "sede", 1), "sede");
        refused(Map.of("stage", "pretrain", "dataset", dataset.id(), "seed", "often"), "seed");
        refused(parameters(dataset, "learning_rat", 1), "learning_rat");
        refused(parameters(dataset, "learning_rate", -1), "learning_rate");
        refused(parameters(dataset, "steps", 1.5), "steps");
        given().contentType("application/json").post("/v1/runs").then().statusCode(400);
        when().get("/v1/runs/nobody").then().statusCode(404).body("error.code", equalTo("run_not_found"));
        when().get("/v1/runs/nobody/metrics").then().statusCode(404);
        when().post("/v1/runs/nobody/cancel").then().statusCode(404);
        when().get("/v1/checkpoints/nobody").then().statusCode(404);
        assertThat(queue.all()).hasSize(before);
    }

    @Test
    void whatIsNeitherNewestNorBestNorPromotedIsPruned() throws IOException {
        // Given a run with four better checkpoints, of which the second was promoted before it was known
        Dataset dataset = corpus.publishBlocks(100);
        CountingStage.close();
        CountingStage.GATE.release(10);
        corpus.announce(dataset);
        await().atMost(SOON).until(() -> runsOf(dataset).stream().anyMatch(run -> run.step == 10));
        String promoted = runsOf(dataset).get(0).checkpoint;
        corpus.send(
                Topics.PROMOTIONS.name(),
                Checkpoint.POLICY,
                new Promotion(Checkpoint.POLICY, promoted, null, "for this test", Map.of(), Instant.now()));
        await().atMost(SOON)
                .until(() -> QuarkusTransaction.requiringNew().call(() -> StoredPromotion.findById(promoted) != null));
        CountingStage.open();
        Run run = awaitRunOf(dataset, RunStatus.SUCCEEDED);

        // When
        pruning.prune();

        // Then
        try (Stream<Path> folders = Files.list(home.checkpoints().resolve(run.id))) {
            assertThat(folders.map(folder -> folder.getFileName().toString()))
                    .containsExactlyInAnyOrder(promoted, run.checkpoint);
        }
        assertThat(home.checkpoints().resolve(run.id).resolve(promoted).resolve("optimizer.safetensors"))
                .doesNotExist();
        when().get("/v1/checkpoints")
                .then()
                .body("data.findAll { it.run == '" + run.id + "' }.id", equalTo(List.of(run.checkpoint, promoted)));

        // And when four others have been promoted since, it goes too
        for (int i = 1; i <= 4; i++) {
            String other = "other-" + i + "-" + run.id;
            corpus.send(
                    Topics.PROMOTIONS.name(),
                    Checkpoint.POLICY,
                    new Promotion(Checkpoint.POLICY, other, null, "for this test", Map.of(), Instant.now()));
            await().atMost(SOON)
                    .until(() -> QuarkusTransaction.requiringNew().call(() -> StoredPromotion.findById(other) != null));
        }
        pruning.prune();
        when().get("/v1/checkpoints")
                .then()
                .body("data.findAll { it.run == '" + run.id + "' }.id", equalTo(List.of(run.checkpoint)));
    }

    @Test
    void aRunThatTheDiskTakesNothingFromWaitsSaysSoAndGoesOn() throws IOException {
        // Given a run in whose folder nothing can be written, for it is a file
        Dataset dataset = corpus.publishBlocks(100);
        CountingStage.close();
        CountingStage.GATE.release(4);
        corpus.announce(dataset);
        await().atMost(SOON).until(() -> runsOf(dataset).stream().anyMatch(run -> run.step == 4));
        String id = runsOf(dataset).get(0).id;
        Path folder = home.checkpoints().resolve(id);
        try (Stream<Path> written = Files.walk(folder)) {
            assertThat(written.anyMatch(file -> file.endsWith("run.json"))).isTrue();
        }
        Path aside = folder.resolveSibling("aside");
        Files.move(folder, aside);
        Files.createFile(folder);

        // When it comes to its next checkpoint, then it stands still and says why, and has announced nothing
        CountingStage.open();
        await().atMost(SOON).until(() -> find(id).error != null);
        assertThat(find(id).error)
                .contains("cannot be written, and the run waits")
                .contains(id);
        assertThat(find(id).status).isEqualTo(RunStatus.RUNNING);
        assertThat(find(id).checkpoint).isNull();

        // When the disk takes it again, then the run goes on and ends as if nothing had been
        Files.delete(folder);
        Files.move(aside, folder);
        Run run = awaitRunOf(dataset, RunStatus.SUCCEEDED);
        assertThat(run.error).isNull();
        assertThat(checkpoints(id)).extracting(Checkpoint::step).containsExactly(5L, 10L, 15L, 20L);
    }

    @Test
    void aRequestOnTheTopicIsRunByTheServiceOfItsStage() {
        // Given a request of another service for this one's stage, whose dataset comes later
        Dataset dataset = corpus.publishBlocks(100);
        TrainingRequest request = new TrainingRequest(
                "by-another-" + dataset.id(),
                Stage.PRETRAIN,
                dataset.id(),
                "tiny",
                null,
                null,
                new CountingStage(null).hyperparameters("tiny", null, Map.of()),
                1,
                null,
                "reward-service",
                Instant.now());
        corpus.send(Topics.TRAINING_REQUESTS.name(), request.runId(), request);
        await().atMost(SOON).until(() -> queue.find(request.runId()).isPresent());
        assertThat(find(request.runId()).status).isEqualTo(RunStatus.QUEUED);

        // When the dataset comes, then it is run
        corpus.announce(dataset);
        await().atMost(SOON).until(() -> find(request.runId()).status == RunStatus.SUCCEEDED);
    }

    private static Map<String, Object> parameters(Dataset dataset, String name, Object value) {
        return Map.of("stage", "pretrain", "dataset", dataset.id(), "hyperparameters", Map.of(name, value));
    }

    private static void refused(Map<String, ?> body, String param) {
        given().contentType("application/json")
                .body(body)
                .post("/v1/runs")
                .then()
                .statusCode(400)
                .body("error.param", equalTo(param))
                .body("error.message", containsString(param))
                .body("error.keySet()", hasSize(4));
    }

    private Run find(String id) {
        return QuarkusTransaction.requiringNew().call(() -> queue.find(id).orElseThrow());
    }

    private List<Run> runsOf(Dataset dataset) {
        return queue.all().stream()
                .filter(run -> run.dataset.equals(dataset.id()))
                .toList();
    }

    private Run awaitRunOf(Dataset dataset, RunStatus status) {
        await().atMost(SOON).until(() -> runsOf(dataset).stream().anyMatch(run -> run.status == status));
        return runsOf(dataset).get(0);
    }

    /** Everything sent so far has been taken in: a later fact on the same topics has. */
    private void awaitTaken() {
        try (PublishedCorpus later = new PublishedCorpus(kafka, TEXT, 280)) {
            Dataset dataset = later.publish(100);
            awaitRunOf(dataset, RunStatus.SUCCEEDED);
        }
    }

    private List<TrainingRequest> requests(String run) {
        await().atMost(SOON).until(() -> new Broker(kafka)
                .read(Topics.TRAINING_REQUESTS).stream()
                        .anyMatch(request -> request.runId().equals(run)));
        return new Broker(kafka)
                .read(Topics.TRAINING_REQUESTS).stream()
                        .filter(request -> request.runId().equals(run))
                        .toList();
    }

    private List<Checkpoint> checkpoints(String run) {
        String last = find(run).checkpoint;
        await().atMost(SOON).until(() -> new Broker(kafka)
                .read(Topics.CHECKPOINTS).stream()
                        .anyMatch(checkpoint -> checkpoint.id().equals(last)));
        return new Broker(kafka)
                .read(Topics.CHECKPOINTS).stream()
                        .filter(checkpoint -> checkpoint.runId().equals(run))
                        .toList();
    }
}

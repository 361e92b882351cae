package io.bardstream.training;

import static io.restassured.RestAssured.given;
import static io.restassured.RestAssured.when;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;

import io.bardstream.checkpoint.CheckpointStore;
import io.bardstream.checkpoint.Lineage;
import io.bardstream.embedded.EmbeddedServices;
import io.bardstream.event.Dataset;
import io.bardstream.event.Dataset.Range;
import io.bardstream.event.Dataset.Split;
import io.bardstream.event.TokenBlock;
import io.bardstream.event.Topics;
import io.bardstream.event.TrainingRequest;
import io.bardstream.service.BardstreamHome;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.path.json.JsonPath;
import jakarta.inject.Inject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A run is trained again from the log alone, or the error says which record of the log is not what it was. */
@QuarkusTest
@WithTestResource(EmbeddedServices.class)
class ReplayTest {
    private static final String TEXT = "When in disgrace with fortune and men's eyes ".repeat(30);
    private static final Duration SOON = Duration.ofMinutes(2);

    @Inject
    RunQueue queue;

    @Inject
    BardstreamHome home;

    @ConfigProperty(name = "kafka.bootstrap.servers")
    String kafka;

    private PublishedCorpus corpus;
    private Dataset dataset;
    private Range train;
    private String original;

    @BeforeEach
    void aRunOfTheCurriculum() {
        CountingStage.open();
        corpus = new PublishedCorpus(kafka, TEXT, 280);
        dataset = corpus.publish(100);
        train = dataset.splits().get(0).ranges().get(0);
        await().atMost(SOON).until(() -> queue.all().stream()
                .anyMatch(run -> run.dataset.equals(dataset.id()) && run.status == RunStatus.SUCCEEDED));
        original = queue.all().stream()
                .filter(run -> run.dataset.equals(dataset.id()))
                .findFirst()
                .orElseThrow()
                .id;
    }

    @AfterEach
    void close() {
        await().atMost(SOON).until(() -> queue.all().stream().allMatch(run -> run.status.ended()));
        corpus.close();
    }

    @Test
    void aReplayEndsWithTheSameBitsAndDoesNotReadTheCache() throws IOException {
        // Given files in the cache that hold something else
        try (Stream<Path> cached = Files.list(home.cache())) {
            for (Path file : cached.filter(file -> file.getFileName().toString().startsWith(dataset.id()))
                    .toList()) {
                Files.write(file, new byte[] {1});
            }
        }

        // When
        String replay = succeeded(replay(Map.of()));

        // Then
        JsonPath comparison = comparison(replay);
        assertThat(comparison.getString("verdict")).as(comparison.prettify()).isEqualTo("equal");
        assertThat(comparison.getList("checkpoints.equal")).containsExactly(true, true);
        assertThat(comparison.getString("original.run")).isEqualTo(original);
        TrainingRequest request = run(replay).trainingRequest();
        assertThat(request.replayOf()).isEqualTo(original);
        assertThat(request.requestedBy()).isNotEqualTo(TrainingRequest.CURRICULUM);
        when().get("/v1/runs/" + replay).then().body("replay_of", equalTo(original));
        when().get("/v1/runs/" + original + "/comparison").then().statusCode(409);
    }

    @Test
    void whatIfSomethingHadBeenDifferent() {
        // When
        String replay = succeeded(replay(Map.of("set", Map.of("steps", 10, "seed", 2))));

        // Then
        JsonPath comparison = comparison(replay);
        assertThat(comparison.getString("verdict")).isEqualTo("not_comparable");
        assertThat(comparison.getList("settings.name")).containsExactly("seed", "steps");
        assertThat(comparison.getString("says")).contains("steps (20 there, 10 here)");
        assertThat(comparison.getLong("original.step")).isEqualTo(20);
        assertThat(comparison.getLong("replay.step")).isEqualTo(10);
    }

    @Test
    void whatIfOnlyTheFirstBlocksHadBeenThere() throws IOException {
        // When
        String replay = succeeded(replay(Map.of("until", train.start() + 3)));

        // Then the manifest of the cut split stands in the lineage, and validation is whole
        Dataset cut = lineage(replay).dataset();
        Split before = cut.split(Split.TRAIN).orElseThrow();
        int[] tokens = corpus.bpe().encode(TEXT.substring(0, TEXT.length() * 9 / 10));
        assertThat(before.tokens()).isEqualTo(300);
        assertThat(before.blocks()).isEqualTo(3);
        assertThat(before.bytes()).isEqualTo(corpus.bpe().decodeBytes(Arrays.copyOf(tokens, 300)).length);
        assertThat(before.ranges())
                .containsExactly(new Range(train.topic(), train.partition(), train.start(), train.start() + 3));
        assertThat(cut.split(Split.VALIDATION)).isEqualTo(dataset.split(Split.VALIDATION));
        assertThat(comparison(replay).getList("settings.name")).containsExactly("until");

        // And a cut at the end cuts nothing
        String whole = succeeded(replay(Map.of("until", Long.toString(train.end()))));
        assertThat(lineage(whole).dataset()).isEqualTo(dataset);
        assertThat(comparison(whole).getList("checkpoints.equal")).containsExactly(true, true);
    }

    @Test
    void aTimeIsTheOffsetOfTheFirstRecordFromThenOn() throws IOException {
        // Given a dataset whose third block came later than its second
        try (PublishedCorpus slow = new PublishedCorpus(kafka, TEXT, 280)) {
            int at = TEXT.length() * 9 / 10;
            List<TokenBlock> blocks = slow.blocks(Split.TRAIN, TEXT.substring(0, at), 100);
            List<RecordMetadata> sent = new ArrayList<>();
            for (TokenBlock block : blocks) {
                if (sent.size() == 2) {
                    long second = sent.get(1).timestamp();
                    await().atMost(SOON).until(() -> System.currentTimeMillis() > second + 1);
                }
                sent.add(slow.send(block));
            }
            Dataset late = slow.manifest(
                    slow.split(Split.TRAIN, TEXT.substring(0, at), blocks, sent.get(0), sent.get(sent.size() - 1)),
                    slow.publishSplit(Split.VALIDATION, TEXT.substring(at), 100));
            slow.announce(late);
            await().atMost(SOON).until(() -> queue.all().stream()
                    .anyMatch(run -> run.dataset.equals(late.id()) && run.status == RunStatus.SUCCEEDED));
            original = queue.all().stream()
                    .filter(run -> run.dataset.equals(late.id()))
                    .findFirst()
                    .orElseThrow()
                    .id;

            // When
            String time = Instant.ofEpochMilli(sent.get(2).timestamp()).toString();
            String replay = succeeded(replay(Map.of("until", time)));

            // Then
            assertThat(run(replay).trainingRequest().until())
                    .isEqualTo(sent.get(2).offset());
            assertThat(lineage(replay)
                            .dataset()
                            .split(Split.TRAIN)
                            .orElseThrow()
                            .tokens())
                    .isEqualTo(200);
            refused(Map.of("until", "2000-01-01T00:00:00Z"), "until");
        }
    }

    @Test
    void recordsThatWereRemovedAreNamedByTheirOffsets() throws Exception {
        // Given a range whose first records retention has removed
        long begin = train.start() + 2;
        try (Admin admin = Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, kafka))) {
            admin.deleteRecords(Map.of(
                            new TopicPartition(train.topic(), train.partition()), RecordsToDelete.beforeOffset(begin)))
                    .all()
                    .get();
        }

        // When it is trained again, then that is the error, though the cache still has the tokens
        assertThat(failed(replay(Map.of())))
                .contains("topic token-batches, partition " + train.partition() + " begins at offset " + begin)
                .contains("offset " + train.start());
    }

    @Test
    void aTokenizerThatIsGoneOrAnotherIsNamed() {
        corpus.send(new ProducerRecord<>(
                Topics.TOKENIZERS.name(), corpus.tokenizer().id(), null));
        assertThat(failed(replay(Map.of())))
                .contains("'" + corpus.tokenizer().id() + "' is gone")
                .contains("topic tokenizers, partition 0")
                .containsPattern("removed at offset \\d+");
    }

    @Test
    void aManifestOfOtherTokensIsNamedOneOfTheSameTokensElsewhereIsNot() {
        // Given the same tokens emitted once more
        Dataset again = corpus.publishBlocks(100);
        corpus.send(Topics.DATASETS.name(), again.id(), again);
        succeeded(replay(Map.of()));

        // When a manifest of other tokens takes the place of both
        Split other = again.splits().get(0);
        RecordMetadata record = corpus.send(
                Topics.DATASETS.name(),
                again.id(),
                again.with(new Split(
                        other.name(), other.tokens(), other.bytes(), other.blocks(), "0".repeat(64), other.ranges())));

        // Then
        assertThat(failed(replay(Map.of())))
                .contains("topic datasets, partition 0, offset " + record.offset())
                .contains(other.sha256());
    }

    @Test
    void whatCannotBeIsRefusedByName() {
        refused(Map.of("set", Map.of("learning_rat", 1)), "learning_rat");
        refused(Map.of("set", Map.of("seed", "often")), "seed");
        refused(Map.of("settings", Map.of()), "settings");
        refused(Map.of("until", "yesterday"), "until");
        refused(Map.of("until", train.start()), "until");
        refused(Map.of("until", train.end() + 1), "until");
        given().noContentType().post("/v1/runs/nobody/replay").then().statusCode(404);
    }

    private String replay(Map<String, ?> changes) {
        return given().contentType("application/json")
                .body(changes)
                .post("/v1/runs/" + original + "/replay")
                .then()
                .statusCode(202)
                .extract()
                .path("id");
    }

    private void refused(Map<String, ?> changes, String param) {
        given().contentType("application/json")
                .body(changes)
                .post("/v1/runs/" + original + "/replay")
                .then()
                .statusCode(400)
                .body("error.param", equalTo(param))
                .body("error.message", containsString(param));
    }

    private String succeeded(String id) {
        await().atMost(SOON).until(() -> run(id).status.ended());
        assertThat(run(id).status).as(run(id).error).isEqualTo(RunStatus.SUCCEEDED);
        return id;
    }

    private String failed(String id) {
        await().atMost(SOON).until(() -> run(id).status.ended());
        assertThat(run(id).status).isEqualTo(RunStatus.FAILED);
        return run(id).error;
    }

    private static JsonPath comparison(String replay) {
        return when().get("/v1/runs/" + replay + "/comparison")
                .then()
                .statusCode(200)
                .extract()
                .jsonPath();
    }

    private Run run(String id) {
        return QuarkusTransaction.requiringNew().call(() -> queue.find(id).orElseThrow());
    }

    private Lineage lineage(String id) throws IOException {
        return Lineage.read(new CheckpointStore(home.checkpoints()).resolve(id + "/" + run(id).checkpoint));
    }
}

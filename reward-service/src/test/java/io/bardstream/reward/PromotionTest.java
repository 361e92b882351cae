package io.bardstream.reward;

import static io.bardstream.reward.Given.checkpoint;
import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;

import io.bardstream.embedded.Broker;
import io.bardstream.embedded.EmbeddedServices;
import io.bardstream.event.Dataset;
import io.bardstream.event.EventJson;
import io.bardstream.event.Promotion;
import io.bardstream.event.Stage;
import io.bardstream.event.Topics;
import io.bardstream.training.StoredCheckpoint;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** From facts on the topics to promotions on theirs, over the real broker and database. Each test has a newer dataset. */
@QuarkusTest
@Tag("containers")
@QuarkusTestResource(EmbeddedServices.class)
class PromotionTest {
    @ConfigProperty(name = "kafka.bootstrap.servers")
    String bootstrapServers;

    private Broker broker;
    private String test;
    private Instant datasetMadeAt;

    @BeforeEach
    void aDatasetOfItsOwn() {
        broker = new Broker(bootstrapServers);
        begin("t" + UUID.randomUUID().toString().substring(0, 8));
    }

    private void begin(String name) {
        test = name;
        datasetMadeAt = Instant.now();
    }

    @Test
    void eachBetterCheckpointIsPromotedOnce() {
        // Given
        publishDataset();

        // When
        publish("c1", 100, 3.5);
        awaitPromoted("c1");
        publish("c2", 200, 3.75);
        publish("c3", 300, 3.25);

        // Then
        List<Promotion> promotions = awaitPromoted("c1", "c3");
        assertThat(promotions.get(1).previous()).isEqualTo(id("c1"));
        assertThat(promotions.get(1).reason()).contains("3.2500").contains("3.5000");
        given().get("/v1/promotions")
                .then()
                .statusCode(200)
                .body("data[0].checkpoint", equalTo(id("c3")))
                .body("data[1].checkpoint", equalTo(id("c1")));
    }

    @Test
    void theRecordIsACloudEventUnderTheModelsName() {
        // Given, when
        publishDataset();
        publish("c1", 100, 3.5);
        awaitPromoted("c1");

        // Then
        ConsumerRecord<String, byte[]> record = broker.records("promotions").stream()
                .filter(candidate -> new String(candidate.value(), StandardCharsets.UTF_8).contains(id("c1")))
                .findFirst()
                .orElseThrow();
        assertThat(record.key()).isEqualTo("bardstream");
        assertThat(header(record, "ce_type")).isEqualTo("io.bardstream.promotions");
        assertThat(header(record, "ce_source")).isEqualTo("/bardstream/reward-service");
        assertThat(header(record, "ce_specversion")).isEqualTo("1.0");
    }

    @Test
    void aCheckpointThatComesBeforeItsDatasetIsPromotedWhenThatHasCome() {
        // Given
        publish("c1", 100, 3.5);
        publish("c2", 200, 3.0);
        awaitTheEnd();

        // When
        publishDataset();

        // Then
        awaitPromoted("c2");
    }

    @Test
    void whatComesTwiceChangesNothing() {
        // Given
        publishDataset();
        publish("c1", 100, 3.5);
        awaitPromoted("c1");
        Promotion promotion = promotions().get(0);

        // When
        publishDataset();
        publish("c1", 100, 3.5);
        broker.publish(Topics.PROMOTIONS, promotion.model(), promotion);
        publish("c1", 100, 3.5);
        awaitTheEnd();
        publish("c2", 200, 3.4);

        // Then
        await().untilAsserted(() -> assertThat(promotions())
                .extracting(Promotion::checkpoint)
                .containsExactly(id("c1"), id("c1"), id("c2")));
        assertThat(listed()).containsExactly(id("c2"), id("c1"));
    }

    @Test
    void whatWasAskedForByHandOrIsOfAnotherStageIsNotPromoted() {
        // Given
        publishDataset();

        // When
        broker.publish(Topics.CHECKPOINTS, id("m"), checkpoint(id("m"), dataset(), 1, 1.0, Stage.PRETRAIN, "someone"));
        broker.publish(Topics.CHECKPOINTS, id("s"), checkpoint(id("s"), dataset(), 1, 1.0, Stage.SFT, "curriculum"));
        publish("c1", 100, 3.5);

        // Then
        awaitPromoted("c1");
    }

    @Test
    void aPromotionByHandStandsWhileTheSameDatasetIsTrained() {
        // Given
        publishDataset();
        publish("c1", 100, 3.5);
        awaitPromoted("c1");

        // When
        broker.publish(Topics.PROMOTIONS, "bardstream", Given.byHand(id("mine"), Instant.now()));
        await().untilAsserted(() -> assertThat(listed()).startsWith(id("mine")));
        publish("c2", 200, 3.0);
        awaitTheEnd();

        // Then
        assertThat(listed()).containsExactly(id("mine"), id("c1"));
        String mine = id("mine");
        begin(test + "-newer");
        publishDataset();
        publish("c1", 1, 4.0);
        assertThat(awaitPromoted("c1").get(0).previous()).isEqualTo(mine);
    }

    @Test
    void recordsThatAreNoneBecomeDeadLettersAndTheServiceGoesOn() {
        // Given
        String noJson = "no JSON " + test;
        String noCheckpoint = "{\"id\":\"%s\",\"model\":\"bardstream\"}".formatted(test);

        // When
        for (var topic : List.of(Topics.DATASETS, Topics.CHECKPOINTS, Topics.PROMOTIONS)) {
            broker.publish(topic, "poison", noJson.getBytes(StandardCharsets.UTF_8));
        }
        broker.publish(Topics.CHECKPOINTS, "poison", noCheckpoint.getBytes(StandardCharsets.UTF_8));
        broker.publish(Topics.CHECKPOINTS, "erased", (byte[]) null);
        publishDataset();
        publish("c1", 100, 3.5);

        // Then
        awaitPromoted("c1");
        await().untilAsserted(() -> {
            assertThat(broker.deadLetters(Topics.CHECKPOINTS)).contains(noJson, noCheckpoint);
            assertThat(broker.deadLetters(Topics.DATASETS)).contains(noJson);
            assertThat(broker.deadLetters(Topics.PROMOTIONS)).contains(noJson);
        });
        given().get("/q/health/ready").then().statusCode(200);
    }

    @Test
    void thePageSaysWhatItIs() {
        given().get("/").then().statusCode(200).body(containsString("reward-service"));
    }

    private void publishDataset() {
        Dataset dataset = Given.dataset(dataset(), datasetMadeAt);
        broker.publish(Topics.DATASETS, dataset.id(), dataset);
    }

    private void publish(String name, long step, double bitsPerByte) {
        broker.publish(Topics.CHECKPOINTS, id(name), checkpoint(id(name), dataset(), step, bitsPerByte));
    }

    private List<Promotion> awaitPromoted(String... names) {
        List<String> expected = Arrays.stream(names).map(this::id).toList();
        await().atMost(Duration.ofMinutes(2)).untilAsserted(() -> assertThat(promotions())
                .extracting(Promotion::checkpoint)
                .containsExactlyElementsOf(expected));
        return promotions();
    }

    /** A checkpoint that came last is stored, so all before it are judged; a promotion of theirs would stand on the topic. */
    private void awaitTheEnd() {
        String last = id("end-" + UUID.randomUUID());
        broker.publish(Topics.CHECKPOINTS, last, checkpoint(last, dataset(), 1, null));
        await().atMost(Duration.ofMinutes(2))
                .until(() -> QuarkusTransaction.requiringNew().call(() -> StoredCheckpoint.count("id", last) == 1));
    }

    private List<Promotion> promotions() {
        return broker.records(Topics.PROMOTIONS.name()).stream()
                .filter(record ->
                        new String(record.value(), StandardCharsets.UTF_8).contains("\"checkpoint\":\"" + test + "."))
                .map(record -> EventJson.read(record.value(), Promotion.class))
                .filter(promotion -> !promotion.evidence().isEmpty())
                .toList();
    }

    private List<String> listed() {
        return given().get("/v1/promotions").jsonPath().getList("data.checkpoint", String.class).stream()
                .filter(checkpoint -> checkpoint.startsWith(test + "."))
                .toList();
    }

    private String id(String name) {
        return test + "." + name;
    }

    private String dataset() {
        return "dataset-" + test;
    }

    private static String header(ConsumerRecord<String, byte[]> record, String name) {
        Header header = record.headers().lastHeader(name);
        return header == null ? null : new String(header.value(), StandardCharsets.UTF_8);
    }
}

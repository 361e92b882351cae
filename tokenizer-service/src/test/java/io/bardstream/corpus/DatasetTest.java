package io.bardstream.corpus;

import static io.restassured.RestAssured.given;
import static io.restassured.RestAssured.when;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasItem;

import io.bardstream.embedded.EmbeddedServices;
import io.bardstream.event.Dataset;
import io.bardstream.event.Dataset.Range;
import io.bardstream.event.Ids;
import io.bardstream.event.TokenBlock;
import io.bardstream.service.BardstreamHome;
import io.bardstream.tokenizer.BpeTokenizer;
import io.bardstream.tokenizer.BpeTrainer;
import io.bardstream.tokenizer.SpecialTokens;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.path.json.JsonPath;
import jakarta.inject.Inject;
import java.io.IOException;
import java.io.StringReader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@QuarkusTest
@QuarkusTestResource(EmbeddedServices.class)
@QuarkusTestResource(TestHome.class)
class DatasetTest {
    @Inject
    BardstreamHome home;

    @Inject
    DatasetWorker worker;

    @Test
    void charactersOfAnyLengthAreSplitByPosition() {
        // Given: 3,000 characters, so 2,100 to train
        String text = "é中😀".repeat(1_000);
        String corpus = Client.corpus(text);
        String tokenizer = Client.tokenizer(corpus, 270);

        // When
        JsonPath manifest = Client.done(Client.dataset(corpus, tokenizer, 0.3));

        // Then
        assertThat(text(manifest, "train", tokenizer)).isEqualTo("é中😀".repeat(700));
        assertThat(text(manifest, "validation", tokenizer)).isEqualTo("é中😀".repeat(300));
        assertThat(manifest.getLong("splits.train.bytes")).isEqualTo(6_300);
        assertThat(manifest.getLong("splits.validation.bytes")).isEqualTo(2_700);
        assertThat(manifest.getString("corpus_sha256")).isEqualTo(Ids.sha256(text.getBytes(StandardCharsets.UTF_8)));
    }

    @Test
    void blocksAreFullButTheLast() {
        // Given: without merges a byte is a token
        String text = randomLetters(5, 150_000);
        String corpus = Client.corpus(text);
        String tokenizer = Client.tokenizer(corpus, 262);

        // When
        JsonPath manifest = Client.done(Client.dataset(corpus, tokenizer, 0.1));

        // Then
        assertThat(Client.blocks(manifest, "train"))
                .extracting(block -> block.tokens().length)
                .containsExactly(65_536, 65_536, 135_000 - 2 * 65_536);
        assertThat(Client.blocks(manifest, "train"))
                .extracting(block -> block.documentStarts().length)
                .containsExactly(1, 0, 0);
        assertThat(Client.blocks(manifest, "validation")).hasSize(1);
        List<Range> ranges = Client.ranges(manifest, "train");
        assertThat(ranges).hasSize(1);
        assertThat(ranges.get(0).end() - ranges.get(0).start()).isEqualTo(3);
    }

    @Test
    void aBlockSaysWhatItIs() {
        String corpus = Client.corpus("What a block says of itself. ".repeat(20));
        String dataset = Client.dataset(corpus, Client.tokenizer(corpus, 270), 0.1);
        Range range = Client.ranges(Client.done(dataset), "validation").get(0);
        ConsumerRecord<String, Object> record = Client.read(
                        range.topic(), range.partition(), range.start(), range.end())
                .get(0);
        Map<String, String> headers = Stream.of(record.headers().toArray())
                .collect(Collectors.toMap(
                        header -> header.key(), header -> new String(header.value(), StandardCharsets.UTF_8)));
        assertThat(record.key()).isEqualTo(dataset);
        assertThat(headers)
                .containsEntry("dataset", dataset)
                .containsEntry("split", "validation")
                .containsEntry("block", "0")
                .containsEntry("dtype", "uint16")
                .containsEntry("ce_id", dataset + "/validation/0")
                .containsEntry("ce_type", "io.bardstream.token-batches")
                .containsEntry("ce_source", "/bardstream/tokenizer-service")
                .containsEntry("ce_specversion", "1.0")
                .containsKeys("count", "tokenizer-sha256", "content-sha256", "ce_time");
    }

    @Test
    void askedForTwiceItIsEmittedOnce() {
        // Given
        String corpus = Client.corpus("Twice asked for is once done. ".repeat(30));
        String tokenizer = Client.tokenizer(corpus, 280);
        String first = Client.dataset(corpus, tokenizer, 0.2);
        JsonPath manifest = Client.done(first);
        int records = records(first).size();

        // When
        String again = Client.dataset(corpus, tokenizer, 0.2);
        JsonPath later =
                Client.done(Client.dataset(corpus, tokenizer, 0.25)); // what would have come first has come by now

        // Then
        assertThat(again).isEqualTo(first);
        assertThat(later.getString("id")).isNotEqualTo(first);
        assertThat(records(first)).hasSize(records);
        assertThat(when().get("/v1/datasets/" + first).jsonPath().<Object>get()).isEqualTo(manifest.get());
        when().get("/v1/datasets").then().body("data.id", hasItem(first));
    }

    @Test
    void whatACrashCutShortIsEmittedAgainAndIsTheSame() throws Exception {
        // Given: a dataset as it would have come, and a row and half the blocks as a crash leaves them
        String text = randomLetters(11, 200_000);
        String corpus = Client.corpus(text);
        String tokenizer = Client.tokenizer(corpus, 262);
        JsonPath whole = Client.done(Client.dataset(corpus, tokenizer, 0.1));
        String id = whole.getString("id");
        await().atMost(Duration.ofMinutes(2)).until(() -> QuarkusTransaction.requiringNew()
                .call(() -> DatasetOrder.<DatasetOrder>findById(id).announcedAt != null));
        QuarkusTransaction.requiringNew()
                .run(() -> DatasetOrder.update(
                        "status = ?1, manifest = null, finishedAt = null, announcedAt = null where id = ?2",
                        DatasetOrder.Status.RUNNING,
                        id));
        try (TokenBatches batches =
                new TokenBatches(Client.kafka().get("bootstrap.servers").toString(), "/test")) {
            for (TokenBlock block : Client.blocks(whole, "train").subList(0, 2)) {
                batches.send(block, block.value());
            }
            batches.acknowledged();
        }

        // When
        worker.wake();
        JsonPath again = Client.done(id);

        // Then
        for (String split : List.of("train", "validation")) {
            assertThat(again.getString("splits." + split + ".sha256"))
                    .isEqualTo(whole.getString("splits." + split + ".sha256"));
            assertThat(again.getLong("splits." + split + ".tokens"))
                    .isEqualTo(whole.getLong("splits." + split + ".tokens"));
            assertThat(Client.blocks(again, split)).isEqualTo(Client.blocks(whole, split));
        }
        assertThat(Client.ranges(again, "train").get(0).start())
                .isGreaterThan(Client.ranges(whole, "train").get(0).end());
        Client.awaitRecord(
                "datasets",
                Dataset.class,
                event -> event.id().equals(id)
                        && event.split("train").orElseThrow().ranges().equals(Client.ranges(again, "train")));
    }

    @Test
    void blocksOfOthersInsideTheRangeAreSkipped() throws Exception {
        // Given: an emission between whose blocks another dataset writes to the same partition
        String text = randomLetters(13, 140_000);
        BpeTokenizer tokenizer = new BpeTrainer(262, SpecialTokens.ALL).train(BpeTrainer.ProgressListener.NONE);
        Corpus corpus = new Corpus();
        corpus.sha256 = Ids.sha256(text.getBytes(StandardCharsets.UTF_8));
        corpus.bytes = text.length();
        corpus.characters = text.length();
        String bootstrap = Client.kafka().get("bootstrap.servers").toString();
        TokenBlock foreign = new TokenBlock(
                "dataset-mixed", "other", 0, tokenizer.sha256(), false, new int[] {1, 2}, new int[0], null);

        // When
        Dataset dataset;
        try (TokenBatches batches = new TokenBatches(bootstrap, "/test");
                TokenBatches others = new TokenBatches(bootstrap, "/test")) {
            dataset = new TextEmission("dataset-mixed", corpus, "tokenizer-x", tokenizer, 0.1)
                    .emit(new StringReader(text), batches, (bytes, tokens) -> {
                        try {
                            batches.flush();
                            others.send(foreign, foreign.value());
                            others.acknowledged();
                        } catch (InterruptedException e) {
                            throw new AssertionError(e);
                        }
                    });
        }

        // Then
        Dataset.Split train = dataset.split("train").orElseThrow();
        Range range = train.ranges().get(0);
        assertThat(train.ranges()).hasSize(1);
        assertThat(range.end() - range.start()).isEqualTo(train.blocks() + 1);
        assertThat(Client.read(range.topic(), range.partition(), range.start(), range.end()))
                .extracting(record -> ((TokenBlock) record.value()).split())
                .containsExactly("train", "other", "train");
    }

    @Test
    void aLargeVocabularyIsWrittenInFourBytes() {
        // Given: more than 65,536 ids, most of them special tokens
        String text = "wide ids ".repeat(200);
        String corpus = Client.corpus(text);
        BpeTokenizer wide = new BpeTrainer(
                        256 + 65_400,
                        IntStream.range(0, 65_400)
                                .mapToObj(i -> "<|" + i + "|>")
                                .toList())
                .train(BpeTrainer.ProgressListener.NONE);
        Vocabulary vocabulary = new Vocabulary();
        vocabulary.id = "tokenizer-wide";
        vocabulary.name = "wide";
        vocabulary.kind = "bpe";
        vocabulary.base = wide.sha256();
        vocabulary.requestedSize = wide.vocabularySize();
        vocabulary.size = wide.vocabularySize();
        vocabulary.sha256 = wide.sha256();
        vocabulary.json = wide.toJson();
        vocabulary.createdAt = Instant.now();
        QuarkusTransaction.requiringNew().run(vocabulary::persist);

        // When
        JsonPath manifest = Client.done(Client.dataset(corpus, "tokenizer-wide", 0.5));

        // Then
        TokenBlock block = Client.blocks(manifest, "train").get(0);
        ByteBuffer ids = ByteBuffer.allocate(block.tokens().length * 4).order(ByteOrder.LITTLE_ENDIAN);
        IntStream.of(block.tokens()).forEach(ids::putInt);
        assertThat(wide.vocabularySize()).isGreaterThan(TokenBlock.NARROW_VOCABULARY);
        assertThat(block.wide()).isTrue();
        assertThat(manifest.getString("splits.train.sha256")).isEqualTo(Ids.sha256(ids.array()));
    }

    @Test
    void aTextThatWasDeletedFailsTheDatasetUntilItIsThereAgain() throws IOException {
        // Given
        String text = "Here today, gone tomorrow. ".repeat(1_000);
        String corpus = Client.corpus(text);
        String tokenizer = Client.tokenizer(corpus, 270);
        var file = home.corpora().resolve(Ids.sha256(text.getBytes(StandardCharsets.UTF_8)) + ".txt");
        Files.delete(file);

        // When
        String dataset = Client.dataset(corpus, tokenizer, 0.1);

        // Then
        await().until(() -> when().get("/v1/datasets/" + dataset).path("status"), "failed"::equals);
        when().get("/v1/datasets/" + dataset).then().body("error", containsString("send it again"));
        Client.upload("again", text).statusCode(200);
        assertThat(Client.dataset(corpus, tokenizer, 0.1)).isEqualTo(dataset);
        assertThat(text(Client.done(dataset), "train", tokenizer)).isEqualTo(text.substring(0, 24_300));
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "-0.1", "0.51", "1", "1e300"})
    void aFractionThatLeavesNothingIsRefused(String fraction) {
        String corpus = Client.corpus("some text to be split, some text to be split");
        assertRefused(corpus, Client.tokenizer(corpus, 262), "\"pretrain\"", fraction, "validation_fraction", "0.5");
    }

    @ParameterizedTest
    @CsvSource({
        "ab, 0.4, corpus, train split has 1 tokens",
        "abcd, 0.1, corpus, validation split has 1 tokens",
        "abcd, 1e-300, validation_fraction, leaves none",
    })
    void aTextTooSmallToTrainIsRefused(String text, String fraction, String param, String message) {
        String corpus = Client.corpus(text);
        assertRefused(corpus, Client.tokenizer(corpus, 262), "\"pretrain\"", fraction, param, message);
    }

    @Test
    void whatIsUnknownIsRefused() {
        String corpus = Client.corpus("some text to be split, some text to be split");
        String tokenizer = Client.tokenizer(corpus, 262);
        assertRefused("corpus-0", tokenizer, "\"pretrain\"", "0.1", "corpus", "no corpus 'corpus-0'");
        assertRefused(corpus, "tokenizer-0", "\"pretrain\"", "0.1", "tokenizer", "no tokenizer 'tokenizer-0'");
        assertRefused(corpus, tokenizer, "\"instruct\"", "0.1", "kind", "not instruct");
        assertRefused(corpus, tokenizer, "\"poems\"", "0.1", "kind", "poems");
        assertRefused(corpus, tokenizer, "null", "\"some\"", "validation_fraction", "validation_fraction");
        when().get("/v1/datasets/dataset-0").then().statusCode(404).body("error.code", equalTo("dataset_not_found"));
    }

    @Test
    void theFractionIsATenthWhereNoneIsGiven() {
        String corpus = Client.corpus("a tenth is kept for validation. ".repeat(10));
        String tokenizer = Client.tokenizer(corpus, 262);
        String id = Client.post("/v1/datasets", Map.of("corpus", corpus, "tokenizer", tokenizer))
                .statusCode(202)
                .extract()
                .path("id");
        assertThat(id).isEqualTo(Client.dataset(corpus, tokenizer, 0.1));
        assertThat(Client.done(id).getLong("splits.validation.tokens")).isEqualTo(32);
    }

    @Test
    void whatIsEmittedIsCounted() {
        String corpus = Client.corpus("counted, counted, counted. ".repeat(10));
        Client.done(Client.dataset(corpus, Client.tokenizer(corpus, 262), 0.1));
        assertThat(when().get("/q/metrics").asString())
                .containsPattern("bardstream_dataset_blocks_total [1-9]")
                .containsPattern("bardstream_dataset_tokens_total [1-9]")
                .containsPattern("bardstream_dataset_tokens_per_second [1-9]");
    }

    private static void assertRefused(
            String corpus, String tokenizer, String kind, String fraction, String param, String message) {
        given().contentType("application/json")
                .body("{\"corpus\":\"%s\",\"tokenizer\":\"%s\",\"kind\":%s,\"validation_fraction\":%s}"
                        .formatted(corpus, tokenizer, kind, fraction))
                .post("/v1/datasets")
                .then()
                .statusCode(400)
                .body("error.param", equalTo(param), "error.message", containsString(message));
    }

    private static String text(JsonPath manifest, String split, String tokenizer) {
        int[] tokens = Client.blocks(manifest, split).stream()
                .flatMapToInt(block -> IntStream.of(block.tokens()))
                .toArray();
        return BpeTokenizer.fromJson(when().get("/v1/tokenizers/" + tokenizer + "/tokenizer.json")
                        .asString())
                .decode(tokens);
    }

    private static String randomLetters(long seed, int length) {
        return new Random(seed)
                .ints(length, 'a', 'z' + 1)
                .mapToObj(c -> Character.toString(c))
                .collect(Collectors.joining());
    }

    /** All records of token-batches with this key. */
    private static List<ConsumerRecord<String, byte[]>> records(String dataset) {
        try (KafkaConsumer<String, byte[]> consumer =
                new KafkaConsumer<>(Client.kafka(), new StringDeserializer(), new ByteArrayDeserializer())) {
            List<TopicPartition> partitions = consumer.partitionsFor("token-batches").stream()
                    .map(partition -> new TopicPartition(partition.topic(), partition.partition()))
                    .toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            List<ConsumerRecord<String, byte[]>> records = new ArrayList<>();
            while (ends.entrySet().stream().anyMatch(end -> consumer.position(end.getKey()) < end.getValue())) {
                consumer.poll(Duration.ofMillis(200)).forEach(record -> {
                    if (dataset.equals(record.key())) {
                        records.add(record);
                    }
                });
            }
            return records;
        }
    }
}

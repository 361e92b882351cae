package io.bardstream.corpus;

import static io.restassured.RestAssured.given;
import static io.restassured.RestAssured.when;
import static org.awaitility.Awaitility.await;

import io.bardstream.event.Dataset.Range;
import io.bardstream.event.TokenBlock;
import io.bardstream.service.EventDeserializer;
import io.restassured.http.ContentType;
import io.restassured.path.json.JsonPath;
import io.restassured.response.ValidatableResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.eclipse.microprofile.config.ConfigProvider;

/** What a user of the service does, and a reader of its topics. */
final class Client {
    private Client() {}

    static ValidatableResponse post(String path, Map<String, ?> body) {
        return given().contentType(ContentType.JSON).body(body).post(path).then();
    }

    static ValidatableResponse upload(String name, String text) {
        return given().contentType("text/plain; charset=UTF-8")
                .queryParam("name", name)
                .body(text)
                .post("/v1/corpora")
                .then();
    }

    static String corpus(String text) {
        return upload("a text", text).extract().path("id");
    }

    static String tokenizer(String corpus, int size) {
        return post("/v1/tokenizers", Map.of("name", "words", "kind", "bpe", "corpus", corpus, "vocab_size", size))
                .extract()
                .path("id");
    }

    static String dataset(String corpus, String tokenizer, double validationFraction) {
        return post(
                        "/v1/datasets",
                        Map.of(
                                "corpus",
                                corpus,
                                "tokenizer",
                                tokenizer,
                                "kind",
                                "pretrain",
                                "validation_fraction",
                                validationFraction))
                .statusCode(202)
                .extract()
                .path("id");
    }

    /** The manifest, once there. */
    static JsonPath done(String dataset) {
        await().atMost(Duration.ofMinutes(2))
                .until(() -> when().get("/v1/datasets/" + dataset).path("status"), "done"::equals);
        return when().get("/v1/datasets/" + dataset).jsonPath();
    }

    static List<Range> ranges(JsonPath manifest, String split) {
        return manifest.getList("splits." + split + ".ranges", Range.class);
    }

    /** The blocks of one split, read as the manifest says: by position, skipping what is not the split's. */
    static List<TokenBlock> blocks(JsonPath manifest, String split) {
        List<TokenBlock> blocks = new ArrayList<>();
        for (Range range : ranges(manifest, split)) {
            for (ConsumerRecord<String, Object> record :
                    read(range.topic(), range.partition(), range.start(), range.end())) {
                TokenBlock block = (TokenBlock) record.value();
                if (block.dataset().equals(manifest.getString("id"))
                        && block.split().equals(split)) {
                    blocks.add(block);
                }
            }
        }
        return blocks;
    }

    /** The records {@code [start, end)} of a partition. */
    static List<ConsumerRecord<String, Object>> read(String topic, int partition, long start, long end) {
        TopicPartition from = new TopicPartition(topic, partition);
        List<ConsumerRecord<String, Object>> records = new ArrayList<>();
        try (KafkaConsumer<String, Object> consumer = consumer()) {
            consumer.assign(List.of(from));
            consumer.seek(from, start);
            while (consumer.position(from) < end) {
                consumer.poll(Duration.ofMillis(200)).forEach(records::add);
            }
        }
        records.removeIf(record -> record.offset() >= end);
        return records;
    }

    /** The first record of a topic of one partition that fits. */
    static <T> T awaitRecord(String topic, Class<T> type, Predicate<T> fits) {
        TopicPartition from = new TopicPartition(topic, 0);
        try (KafkaConsumer<String, Object> consumer = consumer()) {
            consumer.assign(List.of(from));
            consumer.seekToBeginning(List.of(from));
            List<T> found = new ArrayList<>();
            await().atMost(Duration.ofMinutes(2)).until(() -> {
                consumer.poll(Duration.ofMillis(200)).forEach(record -> {
                    if (fits.test(type.cast(record.value()))) {
                        found.add(type.cast(record.value()));
                    }
                });
                return !found.isEmpty();
            });
            return found.get(0);
        }
    }

    static Map<String, Object> kafka() {
        return new HashMap<>(Map.of(
                ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG,
                ConfigProvider.getConfig().getValue("kafka.bootstrap.servers", String.class)));
    }

    private static KafkaConsumer<String, Object> consumer() {
        return new KafkaConsumer<>(kafka(), new StringDeserializer(), new EventDeserializer());
    }
}

package io.bardstream.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.bardstream.embedded.EmbeddedServices;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.TopicConfig;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The topics on a real broker, against docs/events.md. */
class TopicCreationTest {
    private static Admin admin;

    @BeforeAll
    static void createTwice() throws Exception {
        String broker = new EmbeddedServices().start().get("kafka.bootstrap.servers");
        admin = Admin.create(Map.of("bootstrap.servers", broker));
        TopicCreation.create(admin, (short) 1);
        TopicCreation.create(admin, (short) 1);
    }

    @AfterAll
    static void close() {
        admin.close();
    }

    @ParameterizedTest
    @CsvSource({
        "tokenizers, 1, compact, , 16",
        "token-batches, 6, delete, -1, 1",
        "datasets, 1, compact, , 1",
        "training-requests, 1, delete, -1, 1",
        "training-metrics, 1, delete, 30, 1",
        "checkpoints, 1, compact, , 1",
        "promotions, 1, delete, -1, 1",
        "promotion-decisions, 1, delete, -1, 1",
        "generation-requests, 6, delete, 14, 1",
        "generations, 6, compact, , 1",
        "scores, 1, delete, 30, 1",
        "preferences, 1, compact, , 1"
    })
    void eachIsKeptAsLongAsItMustBe(String topic, int partitions, String cleanup, Long days, int mebibytes)
            throws Exception {
        assertThat(partitions(topic)).isEqualTo(partitions);
        assertThat(setting(topic, TopicConfig.CLEANUP_POLICY_CONFIG)).isEqualTo(cleanup);
        if (days != null) {
            assertThat(setting(topic, TopicConfig.RETENTION_MS_CONFIG)).isEqualTo(milliseconds(days));
            assertThat(setting(topic, TopicConfig.RETENTION_BYTES_CONFIG)).isEqualTo("-1");
        }
        String largest = Integer.toString(mebibytes << 20);
        assertThat(setting(topic, TopicConfig.MAX_MESSAGE_BYTES_CONFIG)).isEqualTo(largest);

        String deadLetters = topic + ".dlq";
        assertThat(partitions(deadLetters)).isEqualTo(1);
        assertThat(setting(deadLetters, TopicConfig.RETENTION_MS_CONFIG)).isEqualTo(milliseconds(30));
        assertThat(setting(deadLetters, TopicConfig.MAX_MESSAGE_BYTES_CONFIG)).isEqualTo(largest);
    }

    @Test
    void thereAreNoOthers() throws Exception {
        List<String> topics = List.of(
                "tokenizers",
                "token-batches",
                "datasets",
                "training-requests",
                "training-metrics",
                "checkpoints",
                "promotions",
                "promotion-decisions",
                "generation-requests",
                "generations",
                "scores",
                "preferences");
        assertThat(new TreeSet<>(admin.listTopics().names().get()))
                .containsExactlyInAnyOrderElementsOf(topics.stream()
                        .flatMap(topic -> Stream.of(topic, topic + ".dlq"))
                        .toList());
    }

    private static String milliseconds(long days) {
        return days < 0 ? "-1" : Long.toString(Duration.ofDays(days).toMillis());
    }

    private static int partitions(String topic) throws Exception {
        return admin.describeTopics(List.of(topic))
                .allTopicNames()
                .get()
                .get(topic)
                .partitions()
                .size();
    }

    private static String setting(String topic, String name) throws Exception {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        Config config = admin.describeConfigs(List.of(resource)).all().get().get(resource);
        return config.get(name).value();
    }
}

package io.bardstream.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.IntegerDeserializer;
import org.apache.kafka.common.serialization.IntegerSerializer;
import org.apache.kafka.common.serialization.VoidDeserializer;
import org.apache.kafka.common.serialization.VoidSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmbeddedKafkaTest {
    private static final int RECORDS = 1_000;

    @TempDir
    Path folder;

    @Test
    void acknowledgedRecordsSurviveAKilledBroker() throws Exception {
        // Given
        try (EmbeddedKafka killed = start();
                Admin admin = Admin.create(Map.of("bootstrap.servers", killed.bootstrapServers()));
                KafkaProducer<Void, Integer> producer = producer(killed)) {
            admin.createTopics(List.of(new NewTopic("numbers", 1, (short) 1)))
                    .all()
                    .get();
            List<Future<RecordMetadata>> acknowledgements = new ArrayList<>();
            for (int i = 0; i < RECORDS; i++) {
                acknowledgements.add(producer.send(new ProducerRecord<>("numbers", i)));
            }
            for (Future<RecordMetadata> acknowledgement : acknowledgements) {
                acknowledgement.get();
            }

            // When
            killed.process().destroyForcibly().waitFor();
        }

        // Then
        try (EmbeddedKafka again = start()) {
            assertThat(readAll(again))
                    .containsExactlyElementsOf(
                            IntStream.range(0, RECORDS).boxed().toList());
        }
    }

    @Test
    void sendingToAnUnknownTopicCreatesNone() throws Exception {
        // Given
        try (EmbeddedKafka kafka = start();
                Admin admin = Admin.create(Map.of("bootstrap.servers", kafka.bootstrapServers()));
                KafkaProducer<Void, Integer> producer = producer(kafka)) {

            // When
            assertThatThrownBy(() ->
                            producer.send(new ProducerRecord<>("unknown", 1)).get())
                    .hasMessageContaining("unknown");

            // Then
            assertThat(admin.listTopics().names().get()).isEmpty();
        }
    }

    private EmbeddedKafka start() {
        return EmbeddedKafka.start(
                folder.resolve("kafka"), FreePort.any(), FreePort.any(), folder.resolve("kafka.log"));
    }

    private static KafkaProducer<Void, Integer> producer(EmbeddedKafka kafka) {
        return new KafkaProducer<>(
                Map.of("bootstrap.servers", kafka.bootstrapServers(), "acks", "all", "max.block.ms", "2000"),
                new VoidSerializer(),
                new IntegerSerializer());
    }

    private static List<Integer> readAll(EmbeddedKafka kafka) {
        try (KafkaConsumer<Void, Integer> consumer = new KafkaConsumer<>(
                Map.of("bootstrap.servers", kafka.bootstrapServers()),
                new VoidDeserializer(),
                new IntegerDeserializer())) {
            TopicPartition partition = new TopicPartition("numbers", 0);
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            long end = consumer.endOffsets(List.of(partition)).get(partition);
            List<Integer> values = new ArrayList<>();
            while (consumer.position(partition) < end) {
                consumer.poll(Duration.ofSeconds(1)).forEach(found -> values.add(found.value()));
            }
            return values;
        }
    }
}

package io.bardstream.feedback;

import io.bardstream.event.Topics.Topic;
import io.bardstream.service.ApiException;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/** Reads a topic once, from its first record to the last there is now, beside the channels and without a group. */
@ApplicationScoped
class TopicLog {
    private static final int PATIENCE_MS = 10_000;
    private static final Duration POLL = Duration.ofMillis(500);

    private final String bootstrapServers;

    TopicLog(@ConfigProperty(name = "kafka.bootstrap.servers") String bootstrapServers) {
        this.bootstrapServers = bootstrapServers;
    }

    /** @throws ApiException 503 where the broker does not answer */
    void read(Topic<?> topic, Consumer<ConsumerRecord<String, byte[]>> reader) {
        Map<String, Object> settings = Map.of(
                ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG,
                bootstrapServers,
                ConsumerConfig.DEFAULT_API_TIMEOUT_MS_CONFIG,
                PATIENCE_MS,
                ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG,
                false,
                ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG,
                topic.maxRecordBytes());
        try (KafkaConsumer<String, byte[]> consumer =
                new KafkaConsumer<>(settings, new StringDeserializer(), new ByteArrayDeserializer())) {
            List<TopicPartition> partitions = consumer.partitionsFor(topic.name()).stream()
                    .map(partition -> new TopicPartition(topic.name(), partition.partition()))
                    .toList();
            consumer.assign(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            consumer.seekToBeginning(partitions);
            long deadline = System.nanoTime() + Duration.ofMillis(PATIENCE_MS).toNanos();
            while (partitions.stream().anyMatch(partition -> consumer.position(partition) < ends.get(partition))) {
                var records = consumer.poll(POLL);
                if (!records.isEmpty()) {
                    deadline =
                            System.nanoTime() + Duration.ofMillis(PATIENCE_MS).toNanos();
                } else if (System.nanoTime() > deadline) {
                    throw ApiException.unavailable("The broker does not give the records of " + topic.name() + ".");
                }
                records.forEach(reader);
            }
        } catch (KafkaException e) {
            throw ApiException.unavailable(
                    "The broker does not answer (" + e.getMessage() + "); nothing was changed, try again.");
        }
    }
}

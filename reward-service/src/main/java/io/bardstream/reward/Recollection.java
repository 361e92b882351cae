package io.bardstream.reward;

import io.bardstream.event.Checkpoint;
import io.bardstream.event.Dataset;
import io.bardstream.event.Promotion;
import io.bardstream.event.PromotionDecision;
import io.bardstream.event.Topics;
import io.bardstream.service.EventDeserializer;
import io.bardstream.training.Facts;
import io.quarkus.narayana.jta.QuarkusTransaction;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jboss.logging.Logger;

/**
 * Reads the topics the judge decides by from their beginning to the end they have now, and stores every fact. Done before the
 * first decision, so that a judge whose database was lost or is older than the topics does not decide on half of the facts. The
 * topics are small: one partition each, a record a dataset, checkpoint, promotion or decision.
 */
@ApplicationScoped
class Recollection {
    private static final Logger LOG = Logger.getLogger(Recollection.class);
    private static final List<String> TOPICS = List.of(
            Topics.DATASETS.name(),
            Topics.CHECKPOINTS.name(),
            Topics.PROMOTIONS.name(),
            Topics.PROMOTION_DECISIONS.name());
    private static final Duration BROKER_ANSWERS = Duration.ofSeconds(10);
    private static final Duration POLL = Duration.ofMillis(200);

    private final Facts facts;
    private final Promotions promotions;
    private final String bootstrapServers;
    private final EventDeserializer events = new EventDeserializer();

    Recollection(
            Facts facts,
            Promotions promotions,
            @ConfigProperty(name = "kafka.bootstrap.servers") String bootstrapServers) {
        this.facts = facts;
        this.promotions = promotions;
        this.bootstrapServers = bootstrapServers;
    }

    /**
     * Returns when everything that stands on the topics is stored.
     *
     * @throws KafkaException where the broker does not answer, or has not all topics yet
     */
    void recollect() {
        Map<String, Object> settings = Map.of(
                ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG,
                bootstrapServers,
                ConsumerConfig.DEFAULT_API_TIMEOUT_MS_CONFIG,
                (int) BROKER_ANSWERS.toMillis(),
                ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG,
                false,
                ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG,
                false);
        try (KafkaConsumer<String, byte[]> consumer =
                new KafkaConsumer<>(settings, new StringDeserializer(), new ByteArrayDeserializer())) {
            List<TopicPartition> partitions = TOPICS.stream()
                    .flatMap(topic -> partitions(consumer, topic))
                    .toList();
            consumer.assign(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            consumer.seekToBeginning(partitions);
            while (ends.entrySet().stream().anyMatch(end -> consumer.position(end.getKey()) < end.getValue())) {
                var records = consumer.poll(POLL);
                QuarkusTransaction.requiringNew().run(() -> records.forEach(this::store));
            }
        }
    }

    private static Stream<TopicPartition> partitions(KafkaConsumer<?, ?> consumer, String topic) {
        var known = consumer.partitionsFor(topic);
        if (known == null || known.isEmpty()) {
            throw new KafkaException("topic " + topic + " does not exist yet");
        }
        return known.stream().map(partition -> new TopicPartition(topic, partition.partition()));
    }

    private void store(ConsumerRecord<String, byte[]> record) {
        Object event;
        try {
            event = events.deserialize(record.topic(), record.headers(), record.value());
        } catch (SerializationException e) {
            LOG.debugf(
                    "Passing over %s at offset %d, a dead letter: %s", record.topic(), record.offset(), e.getMessage());
            return;
        }
        if (event instanceof Dataset dataset) {
            facts.store(dataset);
        } else if (event instanceof Checkpoint checkpoint) {
            facts.store(checkpoint);
        } else if (event instanceof Promotion promotion) {
            promotions.store(promotion, record.offset());
        } else if (event instanceof PromotionDecision decision) {
            promotions.decided(decision);
        }
    }
}

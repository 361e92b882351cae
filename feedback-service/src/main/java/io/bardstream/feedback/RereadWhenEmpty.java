package io.bardstream.feedback;

import io.bardstream.event.Topics;
import io.smallrye.common.annotation.Identifier;
import io.smallrye.reactive.messaging.kafka.KafkaConsumerRebalanceListener;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.EntityManager;
import jakarta.transaction.Transactional;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.common.TopicPartition;

/** Reads a topic again from its start where the table made from it is empty: a database that was lost fills itself. */
@ApplicationScoped
@Identifier("reread-when-empty")
class RereadWhenEmpty implements KafkaConsumerRebalanceListener {
    private static final Map<String, String> ENTITY_OF = Map.of(
            Topics.GENERATIONS.name(), "StoredGeneration",
            Topics.CHECKPOINTS.name(), "StoredCheckpoint",
            Topics.PROMOTIONS.name(), "StoredPromotion",
            Topics.SCORES.name(), "StoredScore");

    private final EntityManager database;

    RereadWhenEmpty(EntityManager database) {
        this.database = database;
    }

    @Override
    @Transactional
    public void onPartitionsAssigned(Consumer<?, ?> consumer, Collection<TopicPartition> partitions) {
        for (TopicPartition partition : partitions) {
            if (empty(partition.topic())) {
                consumer.seekToBeginning(List.of(partition));
            }
        }
    }

    private boolean empty(String topic) {
        return database.createQuery("select 1 from " + ENTITY_OF.get(topic), Integer.class)
                .setMaxResults(1)
                .getResultList()
                .isEmpty();
    }
}

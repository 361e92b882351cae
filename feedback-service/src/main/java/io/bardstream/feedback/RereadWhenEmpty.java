package io.bardstream.feedback;

import io.bardstream.event.Topics;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.runtime.ShutdownEvent;
import io.smallrye.common.annotation.Identifier;
import io.smallrye.reactive.messaging.kafka.KafkaConsumerRebalanceListener;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.persistence.EntityManager;
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
    private volatile boolean stopping;

    RereadWhenEmpty(EntityManager database) {
        this.database = database;
    }

    void stop(@Observes ShutdownEvent event) {
        stopping = true;
    }

    /** While the service stops its channels leave one by one, and those that stay are assigned anew over a closed database. */
    @Override
    public void onPartitionsAssigned(Consumer<?, ?> consumer, Collection<TopicPartition> partitions) {
        for (TopicPartition partition : partitions) {
            if (!stopping && empty(partition.topic())) {
                consumer.seekToBeginning(List.of(partition));
            }
        }
    }

    private boolean empty(String topic) {
        return QuarkusTransaction.requiringNew()
                .call(() -> database.createQuery("select 1 from " + ENTITY_OF.get(topic), Integer.class)
                        .setMaxResults(1)
                        .getResultList()
                        .isEmpty());
    }
}

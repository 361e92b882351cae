package io.bardstream.reward;

import io.bardstream.event.Promotion;
import io.bardstream.service.DatabaseOutage;
import io.smallrye.common.annotation.Blocking;
import jakarta.enterprise.context.ApplicationScoped;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.eclipse.microprofile.reactive.messaging.Incoming;

/**
 * Stores promotions, with their places on the topic, and wakes the judge; a record is acknowledged when its row is committed.
 * Datasets and checkpoints are stored by the training module.
 */
@ApplicationScoped
class PromotionListener {
    private final Promotions promotions;
    private final Judge judge;
    private final DatabaseOutage outage;

    PromotionListener(Promotions promotions, Judge judge, DatabaseOutage outage) {
        this.promotions = promotions;
        this.judge = judge;
        this.outage = outage;
    }

    @Incoming("promotions-in")
    @Blocking
    void promotion(ConsumerRecord<String, Promotion> record) {
        if (record.value() != null) {
            outage.sitOut(() -> promotions.store(record.value(), record.offset()));
            judge.wake();
        }
    }
}

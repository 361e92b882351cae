package io.bardstream.reward;

import io.bardstream.event.Checkpoint;
import io.bardstream.event.Dataset;
import io.bardstream.event.Promotion;
import io.bardstream.service.DatabaseOutage;
import io.smallrye.common.annotation.Blocking;
import jakarta.enterprise.context.ApplicationScoped;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.eclipse.microprofile.reactive.messaging.Incoming;

/** Stores what arrives and wakes the judge; a record is acknowledged when its row is committed. */
@ApplicationScoped
class FactListeners {
    private final Facts facts;
    private final Judge judge;
    private final DatabaseOutage outage;

    FactListeners(Facts facts, Judge judge, DatabaseOutage outage) {
        this.facts = facts;
        this.judge = judge;
        this.outage = outage;
    }

    @Incoming("datasets-in")
    @Blocking
    void dataset(ConsumerRecord<String, Dataset> record) {
        if (record.value() != null) {
            outage.sitOut(() -> facts.store(record.value()));
            judge.wake();
        }
    }

    @Incoming("checkpoints-in")
    @Blocking
    void checkpoint(ConsumerRecord<String, Checkpoint> record) {
        if (record.value() != null) {
            outage.sitOut(() -> facts.store(record.value()));
            judge.wake();
        }
    }

    @Incoming("promotions-in")
    @Blocking
    void promotion(ConsumerRecord<String, Promotion> record) {
        if (record.value() != null) {
            outage.sitOut(() -> facts.store(record.value(), record.offset()));
            judge.wake();
        }
    }
}

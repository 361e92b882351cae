package io.bardstream.feedback;

import io.bardstream.event.Checkpoint;
import io.bardstream.event.Generation;
import io.bardstream.event.Promotion;
import io.bardstream.event.Score;
import io.bardstream.service.DatabaseOutage;
import io.smallrye.common.annotation.Blocking;
import jakarta.enterprise.context.ApplicationScoped;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.eclipse.microprofile.reactive.messaging.Incoming;

/** Stores what arrives; a record is acknowledged when its row is committed. A generation's tombstone is an erasure. */
@ApplicationScoped
class FactListeners {
    private final Facts facts;
    private final DatabaseOutage outage;
    private final Pool pool;

    FactListeners(Facts facts, DatabaseOutage outage, Pool pool) {
        this.facts = facts;
        this.outage = outage;
        this.pool = pool;
    }

    @Incoming("generations-in")
    @Blocking
    void generation(ConsumerRecord<String, Generation> record) {
        if (record.value() != null) {
            outage.sitOut(() -> facts.store(record.value()));
            pool.wake();
        } else if (record.key() != null) {
            outage.sitOut(() -> facts.erase(record.key()));
        }
    }

    @Incoming("checkpoints-in")
    @Blocking
    void checkpoint(ConsumerRecord<String, Checkpoint> record) {
        if (record.value() != null) {
            outage.sitOut(() -> facts.store(record.value()));
        }
    }

    @Incoming("promotions-in")
    @Blocking
    void promotion(ConsumerRecord<String, Promotion> record) {
        if (record.value() != null) {
            outage.sitOut(() -> facts.store(record.value(), record.offset()));
            pool.wake();
        }
    }

    @Incoming("scores-in")
    @Blocking
    void score(ConsumerRecord<String, Score> record) {
        if (record.value() != null) {
            outage.sitOut(() -> facts.store(record.value()));
        }
    }
}

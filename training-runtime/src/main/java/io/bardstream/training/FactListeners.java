package io.bardstream.training;

import io.bardstream.event.Checkpoint;
import io.bardstream.event.Dataset;
import io.bardstream.event.Promotion;
import io.bardstream.event.TokenizerPublished;
import io.bardstream.event.TrainingRequest;
import io.smallrye.reactive.messaging.annotations.Blocking;
import jakarta.enterprise.context.ApplicationScoped;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.eclipse.microprofile.reactive.messaging.Incoming;

/**
 * Stores what arrives and wakes the worker; a record is acknowledged when its row is committed. Tombstones change nothing
 * here: what a run was trained on stays known.
 */
@ApplicationScoped
public class FactListeners {
    private final Facts facts;
    private final RunQueue queue;
    private final RunWorker worker;

    FactListeners(Facts facts, RunQueue queue, RunWorker worker) {
        this.facts = facts;
        this.queue = queue;
        this.worker = worker;
    }

    @Incoming("training-tokenizers")
    @Blocking
    void tokenizer(ConsumerRecord<String, TokenizerPublished> record) {
        if (record.value() != null) {
            facts.store(record.value());
            worker.wake();
        }
    }

    @Incoming("training-datasets")
    @Blocking
    void dataset(ConsumerRecord<String, Dataset> record) {
        if (record.value() != null) {
            facts.store(record.value());
            worker.wake();
        }
    }

    @Incoming("training-requests")
    @Blocking
    void request(ConsumerRecord<String, TrainingRequest> record) {
        if (record.value() != null) {
            queue.store(record.value());
            worker.wake();
        }
    }

    @Incoming("training-checkpoints")
    @Blocking
    void checkpoint(ConsumerRecord<String, Checkpoint> record) {
        if (record.value() != null) {
            facts.store(record.value());
            worker.wake();
        }
    }

    @Incoming("training-promotions")
    @Blocking
    void promotion(ConsumerRecord<String, Promotion> record) {
        if (record.value() != null) {
            facts.store(record.value());
        }
    }
}

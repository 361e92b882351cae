package io.bardstream.training;

import io.bardstream.event.Checkpoint;
import io.bardstream.event.Dataset;
import io.bardstream.event.Promotion;
import io.bardstream.event.TokenizerPublished;
import io.bardstream.event.TrainingRequest;
import io.bardstream.service.DatabaseOutage;
import io.smallrye.reactive.messaging.annotations.Blocking;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Event;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.eclipse.microprofile.reactive.messaging.Incoming;

/**
 * Stores what arrives and wakes the worker; a record is acknowledged when its row is committed. Tombstones change nothing
 * here: what a run was trained on stays known. Whoever else in the service acts on what arrives observes it as a CDI
 * event, which comes when it is stored.
 */
@ApplicationScoped
public class FactListeners {
    private final Facts facts;
    private final RunQueue queue;
    private final RunWorker worker;
    private final DatabaseOutage outage;
    private final Event<Object> arrivals;

    FactListeners(Facts facts, RunQueue queue, RunWorker worker, DatabaseOutage outage, Event<Object> arrivals) {
        this.facts = facts;
        this.queue = queue;
        this.worker = worker;
        this.outage = outage;
        this.arrivals = arrivals;
    }

    @Incoming("training-tokenizers")
    @Blocking
    void tokenizer(ConsumerRecord<String, TokenizerPublished> record) {
        store(record.value(), facts::store);
    }

    @Incoming("training-datasets")
    @Blocking
    void dataset(ConsumerRecord<String, Dataset> record) {
        store(record.value(), facts::store);
    }

    @Incoming("training-requests")
    @Blocking
    void request(ConsumerRecord<String, TrainingRequest> record) {
        store(record.value(), queue::store);
    }

    @Incoming("training-checkpoints")
    @Blocking
    void checkpoint(ConsumerRecord<String, Checkpoint> record) {
        store(record.value(), facts::store);
    }

    @Incoming("training-promotions")
    @Blocking
    void promotion(ConsumerRecord<String, Promotion> record) {
        store(record.value(), facts::store);
    }

    private <T> void store(T fact, Consumer<T> into) {
        if (fact != null) {
            outage.sitOut(() -> into.accept(fact));
            worker.wake();
            arrivals.fire(fact);
        }
    }
}

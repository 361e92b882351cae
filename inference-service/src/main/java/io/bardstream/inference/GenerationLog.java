package io.bardstream.inference;

import io.bardstream.event.Generation;
import io.bardstream.service.HttpGenerations;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.smallrye.reactive.messaging.kafka.Record;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import org.eclipse.microprofile.reactive.messaging.Channel;
import org.eclipse.microprofile.reactive.messaging.Emitter;
import org.eclipse.microprofile.reactive.messaging.OnOverflow;
import org.jboss.logging.Logger;

/**
 * Publishes what was generated, never at the cost of an answer: {@link #add} only puts it into a bounded queue, from which
 * a thread of its own sends. Where the broker is away so long that the queue is full, generations are dropped, counted and
 * logged.
 */
@ApplicationScoped
public class GenerationLog {
    private static final Logger LOG = Logger.getLogger(GenerationLog.class);
    private static final int UNACKNOWLEDGED = 256;
    private static final int LOG_EVERY = 1_000;

    private final Emitter<Record<String, Generation>> topic;
    private final InferenceMetrics metrics;
    private final HttpGenerations kept;
    private final BlockingQueue<Generation> queue;
    private final Semaphore unacknowledged = new Semaphore(UNACKNOWLEDGED);
    private final AtomicLong dropped = new AtomicLong();
    private final Thread thread = new Thread(this::run, "generation-log");

    GenerationLog(
            @Channel("generations-out") @OnOverflow(OnOverflow.Strategy.UNBOUNDED_BUFFER) // bounded by the semaphore
                    Emitter<Record<String, Generation>> topic,
            InferenceSettings settings,
            InferenceMetrics metrics,
            HttpGenerations kept) {
        this.kept = kept;
        this.topic = topic;
        this.metrics = metrics;
        this.queue = new ArrayBlockingQueue<>(settings.unpublishedGenerations());
        thread.setDaemon(true);
    }

    void start(@Observes StartupEvent event) {
        thread.start();
    }

    void stop(@Observes ShutdownEvent event) {
        thread.interrupt();
    }

    /** Takes a generation that was asked for over HTTP, to be published where such are kept; returns at once. */
    void add(Generation generation) {
        if (kept.areKept() && !queue.offer(generation)) {
            drop("the queue of %d is full; is the broker there?".formatted(queue.size()));
        }
    }

    /** Publishes a generation; done when the broker has acknowledged it. */
    CompletionStage<Void> publish(Generation generation) {
        return topic.send(Record.of(generation.id(), generation)).thenRun(metrics::published);
    }

    private void run() {
        try {
            while (true) {
                Generation generation = queue.take();
                unacknowledged.acquire();
                topic.send(Record.of(generation.id(), generation)).whenComplete((sent, failure) -> {
                    unacknowledged.release();
                    if (failure == null) {
                        metrics.published();
                    } else {
                        drop(failure.toString());
                    }
                });
            }
        } catch (InterruptedException e) {
            LOG.debugf("Stopping with %d generations unpublished", queue.size());
        }
    }

    private void drop(String reason) {
        metrics.dropped();
        long count = dropped.getAndIncrement();
        if (count % LOG_EVERY == 0) {
            LOG.warnf("A generation was not published (%d before it): %s", count, reason);
        }
    }
}

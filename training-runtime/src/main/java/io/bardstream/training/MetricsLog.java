package io.bardstream.training;

import io.bardstream.event.StepMetrics;
import io.smallrye.reactive.messaging.kafka.Record;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.eclipse.microprofile.reactive.messaging.Emitter;
import org.jboss.logging.Logger;

/**
 * Writes one run's measurements to the database and to {@code training-metrics}, in order, off the training thread. While
 * either is away they wait in memory, and nothing is lost but by the end of the process.
 */
final class MetricsLog implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(MetricsLog.class);
    private static final int AT_ONCE = 100;
    private static final Duration BETWEEN_TRIES = Duration.ofSeconds(1);
    private static final Duration ACKNOWLEDGED_WITHIN = Duration.ofSeconds(30);

    private final Lease lease;
    private final RunQueue queue;
    private final Emitter<Record<String, StepMetrics>> topic;
    private final BlockingQueue<StepMetrics> waiting = new LinkedBlockingQueue<>();
    private final Thread writer;
    private volatile boolean closing;

    MetricsLog(Lease lease, RunQueue queue, Emitter<Record<String, StepMetrics>> topic) {
        this.lease = lease;
        this.queue = queue;
        this.topic = topic;
        this.writer = new Thread(this::write, "metrics-" + lease.run());
        writer.setDaemon(true);
        writer.start();
    }

    /** Returns at once. */
    void add(StepMetrics metrics) {
        waiting.add(metrics);
    }

    private void write() {
        List<StepMetrics> some = new ArrayList<>();
        try {
            while (!closing || !waiting.isEmpty() || !some.isEmpty()) {
                if (some.isEmpty()) {
                    StepMetrics first = waiting.poll(100, TimeUnit.MILLISECONDS);
                    if (first == null) {
                        continue;
                    }
                    some.add(first);
                    waiting.drainTo(some, AT_ONCE - 1);
                }
                if (written(some)) {
                    some.clear();
                } else {
                    Thread.sleep(BETWEEN_TRIES.toMillis());
                }
            }
        } catch (InterruptedException e) {
            LOG.warnf("%d measurements of %s were not written", some.size() + waiting.size(), lease.run());
        } catch (LeaseLostException e) {
            LOG.infof("Measurements end: %s", e.getMessage());
        }
    }

    private boolean written(List<StepMetrics> some) throws InterruptedException {
        try {
            queue.measured(lease, some);
            CompletableFuture<?>[] sent = some.stream()
                    .map(metrics ->
                            topic.send(Record.of(metrics.runId(), metrics)).toCompletableFuture())
                    .toArray(CompletableFuture<?>[]::new);
            CompletableFuture.allOf(sent).get(ACKNOWLEDGED_WITHIN.toSeconds(), TimeUnit.SECONDS);
            return true;
        } catch (LeaseLostException e) {
            throw e;
        } catch (RuntimeException | ExecutionException | TimeoutException e) {
            LOG.warnf("Measurements of %s wait: %s", lease.run(), e);
            return false;
        }
    }

    /** Waits until all is written, at most as long as given. */
    void flush(Duration most) throws InterruptedException {
        closing = true;
        writer.join(most.toMillis());
    }

    @Override
    public void close() {
        closing = true;
        if (writer.isAlive()) {
            writer.interrupt();
        }
    }
}

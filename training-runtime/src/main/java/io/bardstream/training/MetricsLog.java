package io.bardstream.training;

import io.bardstream.event.StepMetrics;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jboss.logging.Logger;

/**
 * Writes one run's measurements to the database and then to {@code training-metrics}, in order, off the training thread: once a
 * second all that have come, or at once where someone waits for them, because each writing takes a processor from the training
 * for a moment. While either is away they wait in memory; what was measured up to a checkpoint is in the database before the
 * checkpoint has its name, so a process that is killed loses only what a resumed run measures again.
 */
final class MetricsLog implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(MetricsLog.class);
    private static final int AT_ONCE = 1_000;
    private static final Duration BETWEEN_WRITINGS = Duration.ofSeconds(1);
    private static final Duration POLL = Duration.ofMillis(100);
    private static final Duration BETWEEN_TRIES = Duration.ofSeconds(1);

    private final String run;
    private final Consumer<List<StepMetrics>> database;
    private final Function<StepMetrics, CompletionStage<?>> topic;
    private final Thread writer;

    // Of the writer alone:
    private final List<StepMetrics> unsent = new ArrayList<>();
    private CompletableFuture<?> sending = CompletableFuture.completedFuture(null);
    private int beingSent;
    private long written = System.nanoTime() - BETWEEN_WRITINGS.toNanos();

    // Guarded by this:
    private final Deque<StepMetrics> waiting = new ArrayDeque<>();
    private boolean awaited;
    private boolean closing;
    private long added;
    private long stored;

    /**
     * @param database stores measurements, or throws; a {@link LeaseLostException} says that the run is another's now
     * @param topic sends one, and completes when it is acknowledged
     */
    MetricsLog(String run, Consumer<List<StepMetrics>> database, Function<StepMetrics, CompletionStage<?>> topic) {
        this.run = run;
        this.database = database;
        this.topic = topic;
        this.writer = new Thread(this::write, "metrics-" + run);
        writer.setDaemon(true);
        writer.start();
    }

    /** Returns at once. */
    synchronized void add(StepMetrics metrics) {
        added++;
        waiting.add(metrics);
        if (waiting.size() == 1) {
            notifyAll();
        }
    }

    private void write() {
        try {
            while (goesOn()) {
                List<StepMetrics> some = next();
                if (!some.isEmpty()) {
                    store(some);
                    unsent.addAll(some);
                }
                send();
            }
        } catch (InterruptedException e) {
            LOG.warnf("%d measurements of %s were not written", waiting() + unsent.size(), run);
        } catch (LeaseLostException e) {
            LOG.infof("Measurements end: %s", e.getMessage());
        }
    }

    private synchronized boolean goesOn() {
        return !closing || !waiting.isEmpty() || !unsent.isEmpty();
    }

    private synchronized int waiting() {
        return waiting.size();
    }

    /** What has come, in a second from the last time, or now where it is awaited. */
    private synchronized List<StepMetrics> next() throws InterruptedException {
        long due = written + BETWEEN_WRITINGS.toNanos();
        long left = due - System.nanoTime();
        while (!closing && !awaited && (left > 0 || waiting.isEmpty() && unsent.isEmpty())) {
            if (waiting.isEmpty() && unsent.isEmpty()) {
                wait();
            } else {
                TimeUnit.NANOSECONDS.timedWait(this, left);
            }
            left = due - System.nanoTime();
        }
        List<StepMetrics> some = new ArrayList<>();
        while (!waiting.isEmpty() && some.size() < AT_ONCE) {
            some.add(waiting.remove());
        }
        awaited &= !waiting.isEmpty();
        written = waiting.isEmpty() ? System.nanoTime() : written;
        return some;
    }

    private void store(List<StepMetrics> some) throws InterruptedException {
        while (true) {
            try {
                database.accept(some);
                break;
            } catch (LeaseLostException e) {
                throw e;
            } catch (RuntimeException e) {
                LOG.warnf("Measurements of %s wait for the database: %s", run, e);
                Thread.sleep(BETWEEN_TRIES.toMillis());
            }
        }
        synchronized (this) {
            stored += some.size();
            notifyAll();
        }
    }

    /** Sends what is stored, unless an earlier sending is still under way; what was not acknowledged is sent again. */
    private void send() throws InterruptedException {
        if (!sending.isDone()) {
            awaitSent();
            return;
        }
        if (sending.isCompletedExceptionally()) {
            LOG.warnf("Measurements of %s wait for the broker", run);
            Thread.sleep(BETWEEN_TRIES.toMillis());
        } else {
            unsent.subList(0, beingSent).clear();
        }
        beingSent = unsent.size();
        sending = CompletableFuture.allOf(unsent.stream()
                        .map(metrics -> topic.apply(metrics).toCompletableFuture())
                        .toArray(CompletableFuture<?>[]::new))
                .whenComplete((all, failure) -> sent());
    }

    private synchronized void sent() {
        notifyAll();
    }

    /** At the end there is nothing else to do meanwhile. */
    private synchronized void awaitSent() throws InterruptedException {
        if (closing && !sending.isDone()) {
            wait(POLL.toMillis());
        }
    }

    /** Waits until all that was added is in the database, or nothing more is written, or it is told to give up. */
    synchronized void awaitStored(BooleanSupplier giveUp) {
        awaited = stored < added;
        notifyAll();
        boolean interrupted = false;
        while (stored < added && writer.isAlive() && !interrupted && !giveUp.getAsBoolean()) {
            try {
                wait(POLL.toMillis());
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Waits until all is written and sent, at most as long as given. */
    void flush(Duration most) throws InterruptedException {
        end();
        writer.join(most.toMillis());
    }

    private synchronized void end() {
        closing = true;
        notifyAll();
    }

    @Override
    public void close() {
        end();
        if (writer.isAlive()) {
            writer.interrupt();
        }
    }
}

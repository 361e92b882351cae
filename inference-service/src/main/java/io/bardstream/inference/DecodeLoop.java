package io.bardstream.inference;

import io.bardstream.service.ApiException;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jboss.logging.Logger;

/**
 * The one thread that owns the tensors. A round gives every model that has work one turn ({@link ModelTurns}); sequences
 * join and leave between turns, first come, first served within a model. HTTP threads only {@link #submit} and are told.
 */
@ApplicationScoped
public class DecodeLoop {
    static final int ENDS_AT = 1_000;

    private static final Logger LOG = Logger.getLogger(DecodeLoop.class);
    private static final long LONGEST_GOODBYE_SECONDS = 5;

    private final int mostWaiting;
    private final InferenceMetrics metrics;
    private final BlockingQueue<Sequence> arrivals = new LinkedBlockingQueue<>();
    private final AtomicInteger waiting = new AtomicInteger();
    private final Map<LoadedModel, ModelTurns> models = new IdentityHashMap<>(); // the thread's alone
    private final Thread thread = new Thread(this::run, "decode-loop");
    private volatile boolean stopping;

    DecodeLoop(InferenceSettings settings, InferenceMetrics metrics) {
        this.mostWaiting = settings.queue();
        this.metrics = metrics;
        metrics.watchQueue(waiting::get);
        thread.setDaemon(true);
    }

    void start(@Observes StartupEvent event) {
        thread.start();
    }

    void stop(@Observes @Priority(ENDS_AT) ShutdownEvent event) throws InterruptedException {
        stopping = true;
        thread.interrupt();
        thread.join(TimeUnit.SECONDS.toMillis(LONGEST_GOODBYE_SECONDS));
    }

    /**
     * Queues sequences, all of them or none. Each brings a lease of its model, which the loop gives back; where they are
     * refused the caller keeps the leases.
     *
     * @throws ApiException 429 where the queue has no room
     */
    void submit(List<Sequence> sequences) {
        if (stopping) {
            throw ApiException.unavailable("The service is stopping.");
        }
        int before = waiting.getAndUpdate(
                count -> count + sequences.size() > mostWaiting ? count : count + sequences.size());
        if (before + sequences.size() > mostWaiting) {
            metrics.refused();
            throw new ApiException(
                    429,
                    "%d completions wait already and %d more do not fit a queue of %d; ask again shortly."
                            .formatted(before, sequences.size(), mostWaiting),
                    null,
                    "queue_full");
        }
        arrivals.addAll(sequences);
    }

    /** Queues a sequence in the background, which counts for nobody's queue. It brings a lease as others do. */
    void submitInBackground(Sequence sequence) {
        if (stopping) {
            throw ApiException.unavailable("The service is stopping.");
        }
        arrivals.add(sequence);
    }

    private void run() {
        try {
            while (!stopping) {
                welcome();
                int active = 0;
                for (ModelTurns turns : List.copyOf(models.values())) {
                    active += turns.take();
                }
                models.values().removeIf(ModelTurns::idle);
                metrics.active(active);
            }
        } catch (InterruptedException e) {
            LOG.debug("Stopping");
        } finally {
            List<Sequence> left = new ArrayList<>(arrivals);
            left.forEach(sequence -> turnsOf(sequence).add(sequence));
            models.values()
                    .forEach(turns -> turns.fail(ApiException.unavailable("The service is stopping; ask again.")));
        }
    }

    /** Takes in who has come, waiting for someone where there is nothing to do. */
    private void welcome() throws InterruptedException {
        List<Sequence> arrived = new ArrayList<>();
        if (models.isEmpty()) {
            arrived.add(arrivals.take());
        }
        arrivals.drainTo(arrived);
        arrived.forEach(sequence -> turnsOf(sequence).add(sequence));
    }

    private ModelTurns turnsOf(Sequence sequence) {
        return models.computeIfAbsent(
                sequence.model(), model -> new ModelTurns(model, metrics, waiting::decrementAndGet));
    }
}

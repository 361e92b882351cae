package io.bardstream.corpus;

import io.bardstream.event.Dataset;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.io.IOException;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.errors.RetriableException;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jboss.logging.Logger;

/**
 * Emits the datasets that were asked for, oldest first, one at a time, on a thread of its own; of several replicas each takes
 * those that no other has claimed. What fails for a reason that may pass (the broker or the database is away) is tried again;
 * what cannot succeed is marked failed.
 */
@ApplicationScoped
class DatasetWorker implements Runnable {
    /** How far the dataset is that is being emitted. */
    private record Progress(String dataset, double fraction) {}

    private static final Logger LOG = Logger.getLogger(DatasetWorker.class);
    private static final int SECONDS_BETWEEN_LOOKS = 5;

    private final Datasets datasets;
    private final Claims claims;
    private final CorpusFiles files;
    private final Announcements announcements;
    private final String bootstrapServers;
    private final String source;
    private final Counter blocks;
    private final Counter tokens;
    private final Semaphore work = new Semaphore(0);
    private final Thread thread = new Thread(this, "datasets");
    private volatile Progress progress;
    private volatile double tokensPerSecond;

    DatasetWorker(
            Datasets datasets,
            Claims claims,
            CorpusFiles files,
            Announcements announcements,
            @ConfigProperty(name = "kafka.bootstrap.servers") String bootstrapServers,
            @ConfigProperty(name = "mp.messaging.connector.smallrye-kafka.cloud-events-source") String source,
            MeterRegistry meters) {
        this.datasets = datasets;
        this.claims = claims;
        this.files = files;
        this.announcements = announcements;
        this.bootstrapServers = bootstrapServers;
        this.source = source;
        this.blocks = meters.counter("bardstream.dataset.blocks");
        this.tokens = meters.counter("bardstream.dataset.tokens");
        meters.gauge("bardstream.dataset.tokens.per.second", this, worker -> worker.tokensPerSecond);
    }

    void start(@Observes StartupEvent event) {
        thread.setDaemon(true);
        thread.start();
    }

    /** What is being emitted stays running in the database and is emitted again at the next start. */
    void stop(@Observes ShutdownEvent event) throws InterruptedException {
        thread.interrupt();
        thread.join(TimeUnit.SECONDS.toMillis(5));
    }

    /** There is a dataset to emit. */
    void wake() {
        work.release();
    }

    /** How much of a dataset's text is emitted, from 0 to 1; empty unless it is being emitted now. */
    OptionalDouble progress(String dataset) {
        Progress now = progress;
        return now != null && now.dataset().equals(dataset)
                ? OptionalDouble.of(now.fraction())
                : OptionalDouble.empty();
    }

    @Override
    public void run() {
        try {
            while (!Thread.currentThread().isInterrupted()) {
                if (!emitNext()) {
                    work.tryAcquire(SECONDS_BETWEEN_LOOKS, TimeUnit.SECONDS);
                    work.drainPermits();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** @return whether to look for more at once */
    private boolean emitNext() throws InterruptedException {
        try {
            for (String id : datasets.waiting()) {
                Optional<Claims.Claim> claim = claims.on(id);
                if (claim.isPresent()) {
                    try {
                        return emit(id);
                    } finally {
                        claim.get().release();
                    }
                }
            }
            return false;
        } catch (RuntimeException e) {
            LOG.errorf(e, "The queue of datasets cannot be read or written; next try in %d s", SECONDS_BETWEEN_LOOKS);
            return false;
        }
    }

    private boolean emit(String id) throws InterruptedException {
        Optional<DatasetOrder> order = datasets.start(id);
        return order.isEmpty() || emit(id, datasets.emission(order.get()));
    }

    private boolean emit(String id, Emission emission) throws InterruptedException {
        Dataset dataset;
        try {
            dataset = blocks(id, emission);
        } catch (RetriableException e) {
            LOG.warnf(e, "Dataset %s waits for the broker", id);
            datasets.delayed(id, "The broker does not take blocks (" + e.getMessage() + "); it is tried again.");
            return false;
        } catch (IOException | RuntimeException e) {
            if (Thread.currentThread().isInterrupted()) {
                throw new InterruptedException("the service is stopping: " + e);
            }
            LOG.errorf(e, "Dataset %s failed", id);
            datasets.failed(id, String.valueOf(e.getMessage()));
            return true;
        } finally {
            progress = null;
        }
        datasets.done(dataset);
        announcements.wake();
        return true;
    }

    private Dataset blocks(String id, Emission emission) throws IOException, InterruptedException {
        long start = System.nanoTime();
        progress = new Progress(id, 0);
        try (TokenBatches batches = new TokenBatches(bootstrapServers, source)) {
            Dataset dataset = emission.emit(files, batches, (fraction, count) -> {
                blocks.increment();
                tokens.increment(count);
                progress = new Progress(id, fraction);
            });
            long total =
                    dataset.splits().stream().mapToLong(Dataset.Split::tokens).sum();
            tokensPerSecond = total / ((System.nanoTime() - start) / 1e9);
            LOG.infof("Dataset %s: %d tokens, %.0f a second", id, total, tokensPerSecond);
            return dataset;
        }
    }
}

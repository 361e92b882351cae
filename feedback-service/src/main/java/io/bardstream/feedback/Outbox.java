package io.bardstream.feedback;

import io.bardstream.event.Topics;
import io.bardstream.service.Worker;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.smallrye.reactive.messaging.kafka.Record;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.eclipse.microprofile.reactive.messaging.Channel;
import org.eclipse.microprofile.reactive.messaging.Emitter;
import org.eclipse.microprofile.reactive.messaging.OnOverflow;
import org.hibernate.Session;
import org.jboss.logging.Logger;

/**
 * Publishes what the outbox holds, in order and at least once: when something is put in, at start, and every five seconds. A
 * record counts as announced when Kafka has acknowledged it and all before it; no vote is lost between the database and the
 * topic. What is announced stands on the topic, and its text goes from here. Where one fails, it and what follows are
 * sent again, so of two records with one key the later one stays the last.
 */
@ApplicationScoped
class Outbox {
    private static final Logger LOG = Logger.getLogger(Outbox.class);
    private static final Duration BETWEEN_TRIES = Duration.ofSeconds(5);
    private static final int SECONDS_TO_ACKNOWLEDGE = 30;
    private static final int AT_ONCE = 256;

    private final Map<String, Emitter<Record<String, byte[]>>> channels;
    private final Session database;
    private final Worker worker = new Worker("outbox", this::publish);

    Outbox(
            @Channel("generation-requests-out") @OnOverflow(value = OnOverflow.Strategy.BUFFER, bufferSize = AT_ONCE)
                    Emitter<Record<String, byte[]>> generationRequests,
            @Channel("preferences-out") @OnOverflow(value = OnOverflow.Strategy.BUFFER, bufferSize = AT_ONCE)
                    Emitter<Record<String, byte[]>> preferences,
            @Channel("generations-out") @OnOverflow(value = OnOverflow.Strategy.BUFFER, bufferSize = AT_ONCE)
                    Emitter<Record<String, byte[]>> generations,
            Session database) {
        this.channels = Map.of(
                Topics.GENERATION_REQUESTS.name(), generationRequests,
                Topics.PREFERENCES.name(), preferences,
                Topics.GENERATIONS.name(), generations);
        this.database = database;
    }

    void start(@Observes StartupEvent event) {
        worker.start(BETWEEN_TRIES);
    }

    void stop(@Observes ShutdownEvent event) {
        worker.stop();
    }

    /** Something was put in, and its transaction is committed. */
    void wake() {
        worker.wake();
    }

    private void publish() {
        boolean more;
        do {
            more = QuarkusTransaction.requiringNew().call(this::publishSome);
        } while (more);
    }

    /** One batch; true where all of it went out and there may be more. Replicas take turns, for the order's sake. */
    private boolean publishSome() throws InterruptedException {
        if (!Locks.tryToTake(Locks.PUBLISHING, database)) {
            return false;
        }
        List<OutboxRecord> records = OutboxRecord.<OutboxRecord>find("announcedAt is null order by position")
                .page(0, AT_ONCE)
                .list();
        List<CompletableFuture<Void>> sent = records.stream().map(this::send).toList();
        int acknowledged = 0;
        try {
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS_TO_ACKNOWLEDGE);
            for (CompletableFuture<Void> one : sent) {
                one.get(Math.max(0, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
                acknowledged++;
            }
        } catch (ExecutionException | TimeoutException e) {
            LOG.warnf(
                    "%d of %d records could not be announced (%s); next try in %d s",
                    records.size() - acknowledged, records.size(), e, BETWEEN_TRIES.toSeconds());
        }
        if (acknowledged > 0) {
            List<Long> announced = records.subList(0, acknowledged).stream()
                    .map(record -> record.position)
                    .toList();
            OutboxRecord.update("announcedAt = instant, fact = null where position in ?1", announced);
        }
        return !records.isEmpty() && acknowledged == records.size();
    }

    private CompletableFuture<Void> send(OutboxRecord record) {
        byte[] value = record.fact == null ? null : record.fact.getBytes(StandardCharsets.UTF_8);
        return channels.get(record.topic).send(Record.of(record.key, value)).toCompletableFuture();
    }
}

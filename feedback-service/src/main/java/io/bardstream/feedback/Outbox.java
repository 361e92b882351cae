package io.bardstream.feedback;

import io.bardstream.event.Topics;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.smallrye.reactive.messaging.kafka.Record;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.eclipse.microprofile.reactive.messaging.Channel;
import org.eclipse.microprofile.reactive.messaging.Emitter;
import org.jboss.logging.Logger;

/**
 * Publishes what the outbox holds, in order and at least once: when something is put in, at start, and every five seconds. A
 * record counts as announced when Kafka has acknowledged it; no vote is lost between the database and the topic.
 */
@ApplicationScoped
class Outbox {
    private static final Logger LOG = Logger.getLogger(Outbox.class);
    private static final int SECONDS_BETWEEN_TRIES = 5;
    private static final int SECONDS_TO_ACKNOWLEDGE = 30;
    private static final int AT_ONCE = 256;

    private final Map<String, Emitter<Record<String, byte[]>>> channels;
    private final ScheduledExecutorService publisher = Executors.newSingleThreadScheduledExecutor(work -> {
        Thread thread = new Thread(work, "outbox");
        thread.setDaemon(true);
        return thread;
    });

    Outbox(
            @Channel("generation-requests-out") Emitter<Record<String, byte[]>> generationRequests,
            @Channel("preferences-out") Emitter<Record<String, byte[]>> preferences) {
        channels = Map.of(
                Topics.GENERATION_REQUESTS.name(), generationRequests,
                Topics.PREFERENCES.name(), preferences);
    }

    void start(@Observes StartupEvent event) {
        publisher.scheduleWithFixedDelay(this::publish, 0, SECONDS_BETWEEN_TRIES, TimeUnit.SECONDS);
    }

    void stop(@Observes ShutdownEvent event) {
        publisher.shutdownNow();
    }

    /** Something was put in, and its transaction is committed. */
    void wake() {
        if (!publisher.isShutdown()) {
            publisher.execute(this::publish);
        }
    }

    private void publish() {
        try {
            for (List<OutboxRecord> next = toAnnounce(); !next.isEmpty(); next = toAnnounce()) {
                for (OutboxRecord record : next) {
                    channels.get(record.topic)
                            .send(Record.of(record.key, record.fact.getBytes(StandardCharsets.UTF_8)))
                            .toCompletableFuture()
                            .get(SECONDS_TO_ACKNOWLEDGE, TimeUnit.SECONDS);
                    QuarkusTransaction.requiringNew()
                            .run(() ->
                                    OutboxRecord.update("announcedAt = instant where position = ?1", record.position));
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException | TimeoutException | RuntimeException e) {
            LOG.warnf("Not everything could be announced (%s); next try in %d s", e, SECONDS_BETWEEN_TRIES);
        }
    }

    private static List<OutboxRecord> toAnnounce() {
        return QuarkusTransaction.requiringNew()
                .call(() -> OutboxRecord.<OutboxRecord>find("announcedAt is null order by position")
                        .page(0, AT_ONCE)
                        .list());
    }
}

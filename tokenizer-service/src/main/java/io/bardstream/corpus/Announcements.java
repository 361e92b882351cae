package io.bardstream.corpus;

import io.bardstream.event.Dataset;
import io.bardstream.event.TokenizerPublished;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.smallrye.reactive.messaging.kafka.Record;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.eclipse.microprofile.reactive.messaging.Channel;
import org.eclipse.microprofile.reactive.messaging.Emitter;
import org.jboss.logging.Logger;

/**
 * Publishes the vocabularies and datasets that exist and were not announced yet: when one is made, at start, and every five
 * seconds while some are left. A row counts as announced when Kafka has acknowledged its record; a record may come twice.
 */
@ApplicationScoped
class Announcements {
    private static final Logger LOG = Logger.getLogger(Announcements.class);
    private static final int SECONDS_BETWEEN_TRIES = 5;
    private static final int SECONDS_TO_ACKNOWLEDGE = 30;

    private final Emitter<Record<String, TokenizerPublished>> tokenizers;
    private final Emitter<Record<String, Dataset>> datasets;
    private final ScheduledExecutorService announcer = Executors.newSingleThreadScheduledExecutor(work -> {
        Thread thread = new Thread(work, "announcements");
        thread.setDaemon(true);
        return thread;
    });

    Announcements(
            @Channel("tokenizers-out") Emitter<Record<String, TokenizerPublished>> tokenizers,
            @Channel("datasets-out") Emitter<Record<String, Dataset>> datasets) {
        this.tokenizers = tokenizers;
        this.datasets = datasets;
    }

    void start(@Observes StartupEvent event) {
        announcer.scheduleWithFixedDelay(this::announce, 0, SECONDS_BETWEEN_TRIES, TimeUnit.SECONDS);
    }

    void stop(@Observes ShutdownEvent event) {
        announcer.shutdownNow();
    }

    /** There is something to announce. */
    void wake() {
        announcer.execute(this::announce);
    }

    private void announce() {
        try {
            for (Vocabulary vocabulary : vocabulariesToAnnounce()) {
                send(tokenizers, vocabulary.id, vocabulary.event());
                QuarkusTransaction.requiringNew()
                        .run(() -> Vocabulary.update("announcedAt = ?1 where id = ?2", Instant.now(), vocabulary.id));
            }
            for (Dataset dataset : datasetsToAnnounce()) {
                send(datasets, dataset.id(), dataset);
                QuarkusTransaction.requiringNew()
                        .run(() -> DatasetOrder.update("announcedAt = ?1 where id = ?2", Instant.now(), dataset.id()));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException | TimeoutException | RuntimeException e) {
            LOG.warnf(e, "Not everything could be announced; next try in %d s", SECONDS_BETWEEN_TRIES);
        }
    }

    private static <T> void send(Emitter<Record<String, T>> channel, String key, T event)
            throws InterruptedException, ExecutionException, TimeoutException {
        channel.send(Record.of(key, event)).toCompletableFuture().get(SECONDS_TO_ACKNOWLEDGE, TimeUnit.SECONDS);
        LOG.infof("Announced %s", key);
    }

    private static List<Vocabulary> vocabulariesToAnnounce() {
        return QuarkusTransaction.requiringNew().call(() -> Vocabulary.list("announcedAt is null order by createdAt"));
    }

    private static List<Dataset> datasetsToAnnounce() {
        return QuarkusTransaction.requiringNew()
                .call(() -> DatasetOrder.<DatasetOrder>list(
                                "announcedAt is null and status = ?1 order by createdAt", DatasetOrder.Status.DONE)
                        .stream()
                        .flatMap(order -> order.dataset().stream())
                        .toList());
    }
}

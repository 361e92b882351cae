package io.bardstream.training;

import io.bardstream.event.Checkpoint;
import io.bardstream.event.TrainingRequest;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.scheduler.Scheduled;
import io.smallrye.reactive.messaging.kafka.Record;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.eclipse.microprofile.reactive.messaging.Channel;
import org.eclipse.microprofile.reactive.messaging.Emitter;
import org.jboss.logging.Logger;

/**
 * Publishes the rows that must be known outside: requests and checkpoints, oldest first, at least once. A row counts as
 * announced when the broker has acknowledged it; one that is not is tried again every five seconds and at every start.
 */
@ApplicationScoped
public class Announcements {
    private static final Logger LOG = Logger.getLogger(Announcements.class);
    private static final Duration ACKNOWLEDGED_WITHIN = Duration.ofSeconds(30);

    private final Emitter<Record<String, TrainingRequest>> requests;
    private final Emitter<Record<String, Checkpoint>> checkpoints;
    private final ExecutorService publisher = Executors.newSingleThreadExecutor(task -> {
        Thread thread = new Thread(task, "announcements");
        thread.setDaemon(true);
        return thread;
    });

    Announcements(
            @Channel("run-requests") Emitter<Record<String, TrainingRequest>> requests,
            @Channel("run-checkpoints") Emitter<Record<String, Checkpoint>> checkpoints) {
        this.requests = requests;
        this.checkpoints = checkpoints;
    }

    void stop(@Observes ShutdownEvent event) {
        publisher.shutdownNow();
    }

    /** Publishes what is not announced yet, on another thread. */
    @Scheduled(every = "5s", skipExecutionIf = Scheduled.ApplicationNotRunning.class)
    public void soon() {
        if (!publisher.isShutdown()) {
            publisher.execute(this::publish);
        }
    }

    private void publish() {
        try {
            List<Run> runs = QuarkusTransaction.requiringNew()
                    .call(() -> Run.list("announcedAt is null order by createdAt, id"));
            for (Run run : runs) {
                acknowledged(requests.send(Record.of(run.id, run.trainingRequest())));
                QuarkusTransaction.requiringNew().run(() -> Run.update("announcedAt = instant where id = ?1", run.id));
            }
            List<StoredCheckpoint> saved = QuarkusTransaction.requiringNew()
                    .call(() -> StoredCheckpoint.list("toAnnounce and announcedAt is null order by at, id"));
            for (StoredCheckpoint row : saved) {
                acknowledged(checkpoints.send(Record.of(row.id, row.checkpoint())));
                QuarkusTransaction.requiringNew()
                        .run(() -> StoredCheckpoint.update("announcedAt = instant where id = ?1", row.id));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException | ExecutionException | TimeoutException e) {
            LOG.warnf("Announcements wait: %s", e);
        }
    }

    private static void acknowledged(CompletionStage<Void> sent)
            throws ExecutionException, InterruptedException, TimeoutException {
        sent.toCompletableFuture().get(ACKNOWLEDGED_WITHIN.toSeconds(), TimeUnit.SECONDS);
    }
}

package io.bardstream.reward;

import io.bardstream.event.Checkpoint;
import io.bardstream.event.Dataset;
import io.bardstream.event.Promotion;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.smallrye.reactive.messaging.kafka.Record;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Instant;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.eclipse.microprofile.reactive.messaging.Channel;
import org.eclipse.microprofile.reactive.messaging.Emitter;
import org.jboss.logging.Logger;

/**
 * Decides and announces, on a thread of its own: when a fact arrives, at start, and every five seconds. It decides nothing
 * before it has recollected what stands on the topics. A decision is a row first and a record then; it counts as announced when
 * Kafka has acknowledged it, so a crash between the two announces it again, and a record may come twice.
 */
@ApplicationScoped
class Judge {
    private static final Logger LOG = Logger.getLogger(Judge.class);
    private static final int SECONDS_BETWEEN_TRIES = 5;
    private static final int SECONDS_TO_ACKNOWLEDGE = 30;

    private final Promotions decisions;
    private final Recollection recollection;
    private final Emitter<Record<String, Promotion>> promotions;
    private final AtomicBoolean woken = new AtomicBoolean();
    private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(work -> {
        Thread judge = new Thread(work, "judge");
        judge.setDaemon(true);
        return judge;
    });
    private boolean recollected; // by the judge's thread alone

    Judge(
            Promotions decisions,
            Recollection recollection,
            @Channel("promotions-out") Emitter<Record<String, Promotion>> promotions) {
        this.decisions = decisions;
        this.recollection = recollection;
        this.promotions = promotions;
    }

    void start(@Observes StartupEvent event) {
        thread.scheduleWithFixedDelay(this::judge, 0, SECONDS_BETWEEN_TRIES, TimeUnit.SECONDS);
    }

    void stop(@Observes ShutdownEvent event) {
        thread.shutdownNow();
    }

    void dataset(@Observes Dataset arrived) {
        wake();
    }

    void checkpoint(@Observes Checkpoint arrived) {
        wake();
    }

    /** There is a new fact; many facts at once are judged together. */
    void wake() {
        if (!thread.isShutdown() && woken.compareAndSet(false, true)) {
            thread.execute(this::judge);
        }
    }

    private void judge() {
        woken.set(false);
        try {
            if (!recollected) {
                recollection.recollect();
                recollected = true;
            }
            decisions.decide(Instant.now());
            for (Promotion promotion : decisions.toAnnounce()) {
                promotions
                        .send(Record.of(promotion.model(), promotion))
                        .toCompletableFuture()
                        .get(SECONDS_TO_ACKNOWLEDGE, TimeUnit.SECONDS);
                decisions.announced(promotion);
                LOG.infof("Promoted %s. %s", promotion.checkpoint(), promotion.reason());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException | TimeoutException | RuntimeException e) {
            LOG.warnf("The judge could not finish (%s); next try in %d s", e, SECONDS_BETWEEN_TRIES);
        }
    }
}

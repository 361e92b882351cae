package io.bardstream.feedback;

import io.bardstream.event.Topics;
import io.bardstream.service.HttpGenerations;
import io.bardstream.service.Worker;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.hibernate.Session;
import org.jboss.logging.Logger;

/**
 * Lets go what has been kept long enough: what people asked for over HTTP ({@link HttpGenerations}), here and, by
 * tombstones, on its topic; and the outbox's rows that were announced long ago. A correction that somebody gave stays,
 * with its prompt, until it is erased.
 */
@ApplicationScoped
class Retention {
    private static final Logger LOG = Logger.getLogger(Retention.class);
    private static final Duration INTERVAL = Duration.ofMinutes(10);
    private static final Duration ANNOUNCED_KEPT = Duration.ofDays(1);
    private static final int AT_ONCE = 500;

    private final Session database;
    private final HttpGenerations kept;
    private final Outbox outbox;
    private final Clock clock = Clock.systemUTC();
    private final Worker worker = new Worker("retention", this::letGo);

    Retention(Session database, HttpGenerations kept, Outbox outbox) {
        this.database = database;
        this.kept = kept;
        this.outbox = outbox;
    }

    void start(@Observes StartupEvent event) {
        worker.start(INTERVAL);
    }

    void stop(@Observes ShutdownEvent event) {
        worker.stop();
    }

    /** Deletes all whose time is over. */
    void letGo() {
        Instant now = clock.instant();
        int gone = 0;
        int some;
        do {
            some = QuarkusTransaction.requiringNew().call(() -> letSomeGo(kept.oldest(now)));
            gone += some;
        } while (some == AT_ONCE);
        if (gone > 0) {
            LOG.infof("%d generations of over %s ago were deleted", gone, kept.time());
            outbox.wake();
        }
        QuarkusTransaction.requiringNew().run(() -> OutboxRecord.delete("announcedAt < ?1", now.minus(ANNOUNCED_KEPT)));
    }

    private int letSomeGo(Instant oldest) {
        List<String> ids = database.createQuery(
                        "select g.id from StoredGeneration g where g.http and g.at < ?1 order by g.at", String.class)
                .setParameter(1, oldest)
                .setMaxResults(AT_ONCE)
                .getResultList();
        if (!ids.isEmpty()) {
            StoredGeneration.delete("id in ?1", ids);
            StoredScore.delete("generationId in ?1", ids);
            ids.forEach(id -> OutboxRecord.tombstone(Topics.GENERATIONS, id).persist());
        }
        return ids.size();
    }
}

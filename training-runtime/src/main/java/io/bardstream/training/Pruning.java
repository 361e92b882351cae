package io.bardstream.training;

import io.bardstream.checkpoint.Retention;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.scheduler.Scheduled;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.EntityManager;
import java.io.IOException;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jboss.logging.Logger;

/**
 * Removes the folders of this service's runs that {@link Retention} does not keep. What serves and what served last before it,
 * what another run started from, and what is younger than the grace stays.
 */
@ApplicationScoped
public class Pruning {
    private static final Logger LOG = Logger.getLogger(Pruning.class);

    private final EntityManager database;
    private final TrainingRuns runs;
    private final TrainingSettings settings;

    Pruning(EntityManager database, TrainingRuns runs, TrainingSettings settings) {
        this.database = database;
        this.runs = runs;
        this.settings = settings;
    }

    @Scheduled(
            every = "30s",
            concurrentExecution = Scheduled.ConcurrentExecution.SKIP,
            skipExecutionIf = Scheduled.ApplicationNotRunning.class)
    void prune() throws IOException {
        List<String> crowded = QuarkusTransaction.requiringNew()
                .call(() -> database.createQuery("""
                                select c.runId from StoredCheckpoint c
                                where c.prunedAt is null and c.runId in (select r.id from Run r)
                                group by c.runId having count(*) > 1
                                """, String.class).getResultList());
        for (String run : crowded) {
            prune(run);
        }
    }

    private void prune(String run) throws IOException {
        List<Retention.Candidate> candidates = QuarkusTransaction.requiringNew().call(() -> candidates(run));
        List<String> removed = runs.store().prune(run, candidates);
        if (!removed.isEmpty()) {
            QuarkusTransaction.requiringNew()
                    .run(() -> StoredCheckpoint.update("prunedAt = instant where id in ?1", removed));
            LOG.infof("Pruned %s", String.join(", ", removed));
        }
    }

    private List<Retention.Candidate> candidates(String run) {
        Set<String> needed = new HashSet<>(
                database.createQuery("select r.parent from Run r where r.parent is not null", String.class)
                        .getResultList());
        needed.addAll(
                database.createQuery("select p.checkpoint from StoredPromotion p order by p.at desc", String.class)
                        .setMaxResults(settings.promotionsKept())
                        .getResultList());
        Instant young = Instant.now().minus(settings.grace());
        return StoredCheckpoint.<StoredCheckpoint>list("runId = ?1 and prunedAt is null", run).stream()
                .map(row -> row.candidate(needed.contains(row.id) || row.at.isAfter(young)))
                .toList();
    }
}

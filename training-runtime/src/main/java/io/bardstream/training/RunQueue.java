package io.bardstream.training;

import io.bardstream.event.Checkpoint;
import io.bardstream.event.Stage;
import io.bardstream.event.StepMetrics;
import io.bardstream.event.TrainingRequest;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.LockModeType;
import jakarta.transaction.Transactional;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.hibernate.Session;

/**
 * The runs of this service in the order they were asked for. What a run is done with goes through here: each change is one
 * transaction, and one by the run's owner is made only while the owner's fence is the run's newest. All lease times are the
 * database's clock.
 */
@ApplicationScoped
@Transactional
public class RunQueue {
    private final Session database;
    private final Stages stages;
    private final TrainingSettings settings;
    private final Facts facts;

    RunQueue(Session database, Stages stages, TrainingSettings settings, Facts facts) {
        this.database = database;
        this.stages = stages;
        this.settings = settings;
        this.facts = facts;
    }

    /** Queues a run, to be announced on {@code training-requests}; the first request of an id stays. */
    public boolean submit(TrainingRequest request) {
        return insert(new Run(request));
    }

    /** Stores a request that was announced, by this service or another; those of other services' stages are not kept. */
    void store(TrainingRequest request) {
        if (stages.runs(request.stage())) {
            insert(new Run(request));
            Run.update("announcedAt = instant where id = ?1 and announcedAt is null", request.runId());
        }
    }

    private boolean insert(Run run) {
        return database.createMutationQuery(
                                "insert into Run(id, stage, dataset, parent, request, status, step, steps, tokens, cancelRequested, createdAt, fence)"
                                        + " values (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, 0, false, ?8, 0) on conflict(id) do nothing")
                        .setParameter(1, run.id)
                        .setParameter(2, run.stage)
                        .setParameter(3, run.dataset)
                        .setParameter(4, run.parent)
                        .setParameter(5, run.request)
                        .setParameter(6, run.status)
                        .setParameter(7, run.steps)
                        .setParameter(8, run.createdAt)
                        .executeUpdate()
                == 1;
    }

    public Optional<Run> find(String id) {
        return Run.findByIdOptional(id);
    }

    /** All runs, newest first. */
    public List<Run> all() {
        return Run.list("order by createdAt desc, id");
    }

    /** Runs of a stage that came to their end, oldest first. */
    List<Run> succeeded(Stage stage) {
        return Run.list("stage = ?1 and status = ?2 order by createdAt", stage, RunStatus.SUCCEEDED);
    }

    /** Whether any run was asked for on this dataset. */
    boolean trains(String dataset) {
        return Run.count("dataset = ?1", dataset) > 0;
    }

    /** Runs that nobody runs: those whose owner is gone first, then the queue. */
    List<Run> waiting() {
        return Run.list(
                "status = ?1 or (status = ?2 and (leaseUntil is null or leaseUntil < instant)) order by status desc, createdAt",
                RunStatus.QUEUED,
                RunStatus.RUNNING);
    }

    /** Runs whose owner's lease has not ended. */
    List<Run> leased() {
        return Run.list("status = ?1 and leaseUntil >= instant", RunStatus.RUNNING);
    }

    /** Ends the lease of an owner that is known to be gone; nothing changes where the run has another by now. */
    boolean endLease(Run run) {
        return Run.update("leaseUntil = null where id = ?1 and fence = ?2", run.id, run.fence) == 1;
    }

    /** Takes a run that nobody runs. Of several who try, one gets it. */
    Optional<Lease> claim(String run, String owner) {
        List<Long> fence = database.createNativeQuery("""
                        update {h-schema}run
                        set status = 'RUNNING', lease_owner = :owner, fence = fence + 1,
                            lease_until = now() + make_interval(secs => :seconds), started_at = coalesce(started_at, now())
                        where id = :run and (status = 'QUEUED' or (status = 'RUNNING' and coalesce(lease_until < now(), true)))
                        returning fence
                        """, Long.class)
                .setParameter("owner", owner)
                .setParameter("seconds", seconds(settings.lease()))
                .setParameter("run", run)
                .getResultList();
        return fence.stream().findFirst().map(number -> new Lease(run, owner, number));
    }

    /**
     * Prolongs a lease.
     *
     * @return whether the run is to be cancelled
     * @throws LeaseLostException if the run has a newer owner
     */
    boolean renew(Lease lease) {
        List<Boolean> cancel = database.createNativeQuery("""
                        update {h-schema}run set lease_until = now() + make_interval(secs => :seconds)
                        where id = :run and fence = :fence and status = 'RUNNING'
                        returning cancel_requested
                        """, Boolean.class)
                .setParameter("seconds", seconds(settings.lease()))
                .setParameter("run", lease.run())
                .setParameter("fence", lease.fence())
                .getResultList();
        if (cancel.isEmpty()) {
            throw new LeaseLostException(lease);
        }
        return cancel.get(0);
    }

    /** The run, as its owner's own until this transaction ends. */
    Run own(Lease lease) {
        Run run = Run.findById(lease.run(), LockModeType.PESSIMISTIC_WRITE);
        if (run == null || run.fence != lease.fence()) {
            throw new LeaseLostException(lease);
        }
        return run;
    }

    /** Says why a run waits; it goes on when it can. */
    void waits(Lease lease, String problem) {
        own(lease).error = problem;
    }

    /** Gives a run back unfinished: whoever is next goes on with it at once. */
    void release(Lease lease) {
        Run run = own(lease);
        run.leaseOwner = null;
        run.leaseUntil = null;
    }

    void finish(Lease lease, RunStatus status, String error) {
        Run run = own(lease);
        run.status = status;
        run.error = error;
        run.secondsLeft = null;
        run.leaseOwner = null;
        run.leaseUntil = null;
        run.endedAt = Instant.now();
    }

    /** Stores what was measured, and how far the run is. What was measured again, after a resume, replaces what was. */
    void measured(Lease lease, List<StepMetrics> measurements) {
        Run run = own(lease);
        for (StepMetrics metrics : measurements) {
            store(metrics);
            run.step = metrics.step();
            run.tokens = metrics.tokens();
            run.verdict = metrics.verdict();
            if (metrics.tokensPerSecond() != null) {
                run.tokensPerSecond = metrics.tokensPerSecond();
            }
            if (metrics.secondsLeft() != null) {
                run.secondsLeft = metrics.secondsLeft();
            }
        }
    }

    private void store(StepMetrics metrics) {
        database.createNativeMutationQuery("""
                        insert into {h-schema}measurement(run_id, step, metrics) values (:run, :step, :metrics)
                        on conflict (run_id, step) do update set metrics = excluded.metrics, seq = default
                        """)
                .setParameter("run", metrics.runId())
                .setParameter("step", metrics.step())
                .setParameter("metrics", StoredMeasurement.json(metrics))
                .executeUpdate();
    }

    /**
     * Stores a checkpoint whose folder exists; one that is to be announced is its run's best. What the run waited for, a full
     * disk for instance, is over.
     */
    void saved(Lease lease, StoredCheckpoint row) {
        Run run = own(lease);
        facts.insert(row);
        run.error = null;
        run.step = Math.max(run.step, row.step);
        Double tokens = row.checkpoint().metrics().get(Checkpoint.TOKENS);
        if (tokens != null) {
            run.tokens = Math.max(run.tokens, tokens.longValue());
        }
        if (row.toAnnounce) {
            run.checkpoint = row.id;
            run.bestValidationLoss = row.validationLoss;
            run.bitsPerByte = row.checkpoint().metrics().get(Checkpoint.BITS_PER_BYTE);
        }
    }

    /** Asks for a run's end; one that waits ends at once. Of a run that has ended nothing changes. */
    public void cancel(String id) {
        Run run = Run.findById(id, LockModeType.PESSIMISTIC_WRITE);
        if (run.status == RunStatus.QUEUED) {
            run.status = RunStatus.CANCELLED;
            run.endedAt = Instant.now();
        } else if (run.status == RunStatus.RUNNING) {
            run.cancelRequested = true;
        }
    }

    private static double seconds(Duration duration) {
        return duration.toMillis() / 1000.0;
    }
}

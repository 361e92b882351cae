package io.bardstream.training;

import io.bardstream.event.InvalidFieldException;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.interceptor.Interceptor;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;

/**
 * Trains one run after the other on one thread. It takes the oldest run that nobody trains and whose facts have arrived; one
 * that was left behind by a process that ended comes first and goes on from its newest checkpoint.
 */
@ApplicationScoped
public class RunWorker {
    private static final Logger LOG = Logger.getLogger(RunWorker.class);
    private static final Duration BETWEEN_LOOKS = Duration.ofSeconds(2);
    private static final Duration TO_STOP = Duration.ofSeconds(20);

    private final RunQueue queue;
    private final CurriculumStarter curriculum;
    private final Stages stages;
    private final TrainingRuns runs;
    private final Announcements announcements;
    private final TrainingSettings settings;

    private final WorkerProcess self = WorkerProcess.current();
    private final Semaphore news = new Semaphore(0);

    /** The service first lets HTTP requests come to their end; the training need not wait for those. */
    private final Thread atExit = new Thread(() -> {
        stopping = true;
        wake();
    });

    private volatile boolean stopping;
    private volatile LeaseKeeper current;
    private Thread thread;

    RunWorker(
            RunQueue queue,
            CurriculumStarter curriculum,
            Stages stages,
            TrainingRuns runs,
            Announcements announcements,
            TrainingSettings settings) {
        this.queue = queue;
        this.curriculum = curriculum;
        this.stages = stages;
        this.runs = runs;
        this.announcements = announcements;
        this.settings = settings;
    }

    /** After the channels, which start at no priority. */
    void start(@Observes @Priority(Interceptor.Priority.PLATFORM_AFTER) StartupEvent event) {
        Runtime.getRuntime().addShutdownHook(atExit);
        start();
    }

    /** Leaves the run at its next step, saved, for whoever is next. */
    void stop(@Observes ShutdownEvent event) throws InterruptedException {
        stop();
        try {
            Runtime.getRuntime().removeShutdownHook(atExit);
        } catch (IllegalStateException e) {
            LOG.debug("The process ends, and the hook with it");
        }
    }

    synchronized void start() {
        stopping = false;
        thread = new Thread(this::work, "training");
        thread.setDaemon(true);
        thread.start();
    }

    /** Whether this process is about to end. */
    boolean stopping() {
        return stopping;
    }

    synchronized void stop() throws InterruptedException {
        stopping = true;
        wake();
        thread.join(TO_STOP.toMillis());
        if (thread.isAlive()) {
            LOG.warn("The training did not stop in time; the run goes on from its last checkpoint");
        }
    }

    /** Something has changed that may give work. */
    public void wake() {
        news.release();
    }

    /** The run's flags have changed: its owner looks now. */
    void look(String run) {
        LeaseKeeper keeper = current;
        if (keeper != null && keeper.lease().run().equals(run)) {
            keeper.renewNow();
        }
    }

    private void work() {
        try {
            runs.store().removeAbandoned();
        } catch (IOException e) {
            LOG.warn("What killed writers left in the checkpoint store could not be removed", e);
        }
        while (!stopping) {
            try {
                curriculum.startWhatIsDue();
                announcements.soon();
                if (!trainNext()) {
                    news.tryAcquire(BETWEEN_LOOKS.toMillis(), TimeUnit.MILLISECONDS);
                    news.drainPermits();
                }
            } catch (InterruptedException e) {
                return;
            } catch (RuntimeException e) {
                LOG.error("The queue of runs cannot be worked on; trying again", e);
                pause();
            }
        }
    }

    private void pause() {
        try {
            Thread.sleep(BETWEEN_LOOKS.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** The lease of a process that was killed on this machine need not be waited for. */
    private void endLeasesOfTheDead() {
        for (Run run : queue.leased()) {
            if (WorkerProcess.parse(run.leaseOwner).filter(self::knowsGone).isPresent() && queue.endLease(run)) {
                LOG.infof("The process that trained %s is gone", run.id);
            }
        }
    }

    private boolean trainNext() throws InterruptedException {
        endLeasesOfTheDead();
        for (Run run : queue.waiting()) {
            StageTraining stage = stages.of(run.stage);
            if (stage.ready(run.trainingRequest())) {
                var lease = queue.claim(run.id, self.toString());
                if (lease.isPresent()) {
                    train(stage, lease.get());
                    return true;
                }
            }
        }
        return false;
    }

    private void train(StageTraining stage, Lease lease) throws InterruptedException {
        Ending ending;
        try (LeaseKeeper keeper = new LeaseKeeper(queue, lease, settings.renewal());
                MetricsLog log = runs.metricsLog(lease)) {
            current = keeper;
            keeper.renewNow();
            ending = train(stage, lease, keeper, log);
            log.flush(stopping ? Duration.ofSeconds(2) : Duration.ofMinutes(1));
        } finally {
            current = null;
        }
        runs.gauges().left(stage.stage(), ending.status());
        end(lease, ending);
    }

    /** How a run came to its end here. A status of {@code RUNNING} means that someone goes on with it. */
    private record Ending(RunStatus status, String error) {}

    private Ending train(StageTraining stage, Lease lease, LeaseKeeper keeper, MetricsLog log) {
        try {
            Run run = queue.find(lease.run()).orElseThrow();
            LOG.infof("Training %s (owner number %d)", run.id, lease.fence());
            stage.check(run.trainingRequest());
            stage.train(runs.open(run, keeper, log, () -> stopping));
        } catch (LeaseLostException e) {
            return new Ending(RunStatus.RUNNING, null);
        } catch (InvalidFieldException e) {
            return new Ending(RunStatus.FAILED, e.getMessage());
        } catch (Throwable e) {
            if (!(e instanceof InterruptedException) && !stopping) {
                LOG.errorf(e, "Run %s failed", lease.run());
                return new Ending(RunStatus.FAILED, e.getMessage() == null ? e.toString() : e.getMessage());
            }
            LOG.infof("Run %s: %s", lease.run(), e.getMessage());
        }
        if (keeper.cancelled()) {
            return new Ending(RunStatus.CANCELLED, null);
        }
        return new Ending(stopping || keeper.lost() ? RunStatus.RUNNING : RunStatus.SUCCEEDED, null);
    }

    private void end(Lease lease, Ending ending) {
        try {
            Database.whenThere(
                    () -> {
                        if (ending.status().ended()) {
                            queue.finish(lease, ending.status(), ending.error());
                        } else {
                            queue.release(lease);
                        }
                        return null;
                    },
                    () -> stopping);
            LOG.infof(
                    "Run %s: %s",
                    lease.run(), ending.status().ended() ? ending.status().label() : "given back");
        } catch (LeaseLostException e) {
            LOG.info(e.getMessage());
        } catch (RuntimeException e) {
            LOG.warnf("How run %s ended could not be stored; it goes on when its lease is over: %s", lease.run(), e);
        }
    }
}

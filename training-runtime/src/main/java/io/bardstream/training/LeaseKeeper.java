package io.bardstream.training;

import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;

/**
 * Renews a lease on a thread of its own until it is closed. While the database is away it goes on trying: nobody else can
 * take the run over then, and whoever took it over first is found out at the next answer.
 */
final class LeaseKeeper implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(LeaseKeeper.class);

    private final RunQueue queue;
    private final Lease lease;
    private final ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "lease");
        thread.setDaemon(true);
        return thread;
    });
    private final ScheduledFuture<?> renewals;
    private volatile boolean lost;
    private volatile boolean cancelled;

    LeaseKeeper(RunQueue queue, Lease lease, Duration renewal) {
        this.queue = queue;
        this.lease = lease;
        this.renewals = clock.scheduleWithFixedDelay(
                this::renew, renewal.toMillis(), renewal.toMillis(), TimeUnit.MILLISECONDS);
    }

    private void renew() {
        try {
            cancelled |= queue.renew(lease);
        } catch (LeaseLostException e) {
            LOG.warn(e.getMessage());
            lost = true;
            renewals.cancel(false);
        } catch (RuntimeException e) {
            LOG.warnf("The lease of %s could not be renewed and is tried again: %s", lease.run(), e.getMessage());
        }
    }

    /** Looks now rather than at the next renewal. */
    void renewNow() {
        if (!clock.isShutdown()) {
            clock.execute(this::renew);
        }
    }

    Lease lease() {
        return lease;
    }

    boolean lost() {
        return lost;
    }

    boolean cancelled() {
        return cancelled;
    }

    /** Renews no more; a renewal under way comes to its end first, or is given up after a second. */
    @Override
    public void close() {
        clock.shutdown();
        try {
            if (!clock.awaitTermination(1, TimeUnit.SECONDS)) {
                clock.shutdownNow();
            }
        } catch (InterruptedException e) {
            clock.shutdownNow();
            Thread.currentThread().interrupt();
        }
    }
}

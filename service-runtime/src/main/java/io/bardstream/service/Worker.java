package io.bardstream.service;

import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jboss.logging.Logger;

/**
 * Does one thing in a thread of its own: every so often, and when woken. However often it is woken while it works, it works once
 * more. A failure is logged, and the next time comes all the same.
 */
public final class Worker {
    private static final Logger LOG = Logger.getLogger(Worker.class);

    /** What is done; may be interrupted when the service stops. */
    public interface Work {
        void run() throws Exception;
    }

    private final String name;
    private final Work work;
    private final AtomicBoolean woken = new AtomicBoolean();
    private final ScheduledExecutorService thread;

    public Worker(String name, Work work) {
        this.name = name;
        this.work = work;
        this.thread = Executors.newSingleThreadScheduledExecutor(task -> {
            Thread daemon = new Thread(task, name);
            daemon.setDaemon(true);
            return daemon;
        });
    }

    /** Begins to work, at once and then with such pauses. */
    public void start(Duration pause) {
        thread.scheduleWithFixedDelay(this::run, 0, pause.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** There is something to do. */
    public void wake() {
        if (!thread.isShutdown() && woken.compareAndSet(false, true)) {
            thread.execute(this::run);
        }
    }

    public void stop() {
        thread.shutdownNow();
    }

    private void run() {
        woken.set(false);
        try {
            work.run();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (Exception e) {
            if (!thread.isShutdown()) {
                LOG.warnf("%s: not done, to be tried again (%s)", name, e);
                LOG.debug(name, e);
            }
        }
    }
}

package io.bardstream.launcher;

import io.bardstream.embedded.Child;
import io.bardstream.embedded.StartFailure;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * A child process that is started again, after a pause, whenever it ends by itself. The first start happens in {@link #start}, whose caller gets its failure;
 * later ones in a thread of its own, which reports to the console and tries on.
 */
final class Supervised implements AutoCloseable {
    /** Starts the child anew. */
    @FunctionalInterface
    interface Start {
        Running start() throws IOException;
    }

    /**
     * A started child.
     *
     * @param stop stops it in order and returns when it has ended
     */
    record Running(Process process, Runnable stop) {
        /** A child on a tether that is given so many seconds to end by itself. */
        static Running tethered(Process process, int seconds) {
            return new Running(process, () -> Child.stop(process, seconds));
        }
    }

    private final String name;
    private final Start start;
    private final Console console;
    private final Runnable changed;
    private final CountDownLatch stopping = new CountDownLatch(1);
    private final Backoff backoff = new Backoff();
    private final Thread watch;

    private volatile Running running;
    private volatile int deaths;

    /**
     * A child that is not started yet.
     *
     * @param name for messages
     * @param changed called after each start
     */
    Supervised(String name, Start start, Console console, Runnable changed) {
        this.name = name;
        this.start = start;
        this.console = console;
        this.changed = changed;
        this.watch = new Thread(this::watch, "watch-" + name);
        watch.setDaemon(true);
    }

    String name() {
        return name;
    }

    void start() throws IOException {
        launch();
        watch.start();
    }

    /** The pid of the child that runs now. */
    Optional<Long> pid() {
        return Optional.ofNullable(running)
                .map(Running::process)
                .filter(Process::isAlive)
                .map(Process::pid);
    }

    /** How often it has ended without being asked to. */
    int deaths() {
        return deaths;
    }

    private synchronized void launch() throws IOException {
        if (stopping.getCount() > 0) {
            running = start.start();
            changed.run();
        }
    }

    private void watch() {
        try {
            while (true) {
                long since = System.nanoTime();
                int code = running.process().waitFor();
                if (stopping.getCount() == 0) {
                    return;
                }
                deaths++;
                if (!startAgain(code, Duration.ofNanos(System.nanoTime() - since))) {
                    return;
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Tries until the child runs; false where it is to stop instead. */
    private boolean startAgain(int code, Duration lived) throws InterruptedException {
        String happened = "ended (" + meaning(code) + ")";
        Duration pause = backoff.after(lived);
        while (true) {
            console.problem(name, happened + "; starting it again in " + pause.toSeconds() + " s");
            if (stopping.await(pause.toMillis(), TimeUnit.MILLISECONDS)) {
                return false;
            }
            try {
                launch();
                return stopping.getCount() > 0;
            } catch (IOException | UncheckedIOException | StartFailure | CommandFailure e) {
                happened = "could not be started: " + e.getMessage();
                pause = backoff.after(Duration.ZERO);
            }
        }
    }

    private static String meaning(int code) {
        return code > 128
                ? String.format(Locale.ROOT, "killed by signal %d", code - 128)
                : String.format(Locale.ROOT, "exit code %d", code);
    }

    /** Stops the child, for good. */
    @Override
    public void close() {
        stopping.countDown();
        synchronized (this) {
            if (running != null) {
                running.stop().run();
            }
        }
    }
}

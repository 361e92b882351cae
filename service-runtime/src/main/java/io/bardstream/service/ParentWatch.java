package io.bardstream.service;

import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jboss.logging.Logger;

/**
 * Ends the service with the process that started it. With {@code bardstream.parent-watch} set, standard input is a pipe from the
 * parent: it ends when the parent closes it and also when the parent is killed. The service then shuts down in order, and is halted
 * where that takes too long.
 */
@ApplicationScoped
public class ParentWatch {
    private static final Logger LOG = Logger.getLogger(ParentWatch.class);
    private static final Duration SHUTDOWN = Duration.ofSeconds(10);
    private static final int BEFORE_EVERYTHING = 1;

    private final boolean watch;

    ParentWatch(@ConfigProperty(name = "bardstream.parent-watch") boolean watch) {
        this.watch = watch;
    }

    void start(@Observes @Priority(BEFORE_EVERYTHING) StartupEvent event) {
        if (watch) {
            whenEnded(System.in, ParentWatch::stop);
        }
    }

    /** Reads the stream in a thread of its own and acts once at its end. */
    static void whenEnded(InputStream input, Runnable action) {
        Thread thread = new Thread(
                () -> {
                    awaitEnd(input);
                    action.run();
                },
                "parent-watch");
        thread.setDaemon(true);
        thread.start();
    }

    private static void awaitEnd(InputStream input) {
        byte[] ignored = new byte[64];
        try {
            while (input.read(ignored) >= 0) {
                // Nothing is ever sent: only the end counts.
            }
        } catch (IOException e) {
            LOG.debug("Standard input broke, which is an end too", e);
        }
    }

    /** Ends the process as a signal does, so that those who wait for its end are told before HTTP requests are awaited. */
    private static void stop() {
        Thread exit = new Thread(() -> System.exit(0), "exit");
        exit.setDaemon(true);
        exit.start();
        try {
            Thread.sleep(SHUTDOWN.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        Runtime.getRuntime().halt(1);
    }
}

package io.bardstream.training;

import io.bardstream.service.DatabaseOutage;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jboss.logging.Logger;

/** Waits for a database that is away. */
final class Database {
    private static final Logger LOG = Logger.getLogger(Database.class);
    private static final Duration BETWEEN_TRIES = Duration.ofSeconds(1);

    private Database() {}

    /**
     * Does it now, or when the database is there again.
     *
     * @param giveUp asked between tries; where it says yes the failure is thrown
     */
    static <T> T whenThere(Supplier<T> work, BooleanSupplier giveUp) {
        while (true) {
            try {
                return work.get();
            } catch (RuntimeException e) {
                if (!DatabaseOutage.passes(e) || giveUp.getAsBoolean()) {
                    throw e;
                }
                LOG.warnf("Waiting for the database: %s", e.getMessage());
                try {
                    Thread.sleep(BETWEEN_TRIES.toMillis());
                } catch (InterruptedException interrupted) {
                    Thread.currentThread().interrupt();
                    throw e;
                }
            }
        }
    }
}

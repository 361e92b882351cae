package io.bardstream.training;

import java.sql.SQLException;
import java.sql.SQLTransientException;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jboss.logging.Logger;

/** Waits for a database that is away. */
final class Database {
    private static final Logger LOG = Logger.getLogger(Database.class);
    private static final Duration BETWEEN_TRIES = Duration.ofSeconds(1);

    private Database() {}

    /** Whether something failed because the database did not answer, rather than because of what was asked. */
    static boolean isAway(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof SQLTransientException) {
                return true;
            }
            if (cause instanceof SQLException sql) {
                String state = sql.getSQLState();
                // Class 08: connection; 57P: the server is being stopped or started; none: the pool gave no connection.
                return state == null || state.startsWith("08") || state.startsWith("57P");
            }
        }
        return false;
    }

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
                if (!isAway(e) || giveUp.getAsBoolean()) {
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

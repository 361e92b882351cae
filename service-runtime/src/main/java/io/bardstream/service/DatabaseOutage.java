package io.bardstream.service;

import io.quarkus.runtime.ShutdownEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.sql.SQLException;
import java.sql.SQLRecoverableException;
import java.sql.SQLTransientException;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jboss.logging.Logger;

/**
 * Keeps a listener from making dead letters of good records while the database is away: it waits and tries again, the record
 * stays unacknowledged, and the channel says so by its health. The same while the service stops, when the database is closed
 * before the channels are; the record comes again at the next start. What the database refuses is thrown at once, and becomes a
 * dead letter.
 */
@ApplicationScoped
public class DatabaseOutage {
    private static final Logger LOG = Logger.getLogger(DatabaseOutage.class);
    private static final Duration BETWEEN_TRIES = Duration.ofSeconds(1);

    /**
     * SQLSTATE classes: connection, transaction rolled back, resources, operator intervention (a server that stops or
     * starts).
     */
    private static final Set<String> PASSING = Set.of("08", "40", "53", "57");

    /** A session was ended because its transaction stood still, as it does in a process that was paused. */
    private static final String SESSION_ENDED = "25P03";

    private volatile boolean stopping;

    void stop(@Observes ShutdownEvent event) {
        stopping = true;
    }

    /** Runs until it succeeds, or fails of something that does not pass by itself. It must change nothing where it fails. */
    public void sitOut(Runnable transaction) {
        sitOut(transaction, BETWEEN_TRIES);
    }

    void sitOut(Runnable transaction, Duration betweenTries) {
        while (true) {
            try {
                transaction.run();
                return;
            } catch (RuntimeException e) {
                if (!stopping && !passes(e)) {
                    throw e;
                }
                LOG.warnf(
                        "Not stored while the %s (%s)",
                        stopping ? "service stops" : "database is away", e.getMessage());
                try {
                    Thread.sleep(betweenTries.toMillis());
                } catch (InterruptedException interrupted) {
                    Thread.currentThread().interrupt();
                    throw e;
                }
            }
        }
    }

    /**
     * Whether something failed because the database did not answer, rather than because of what was asked. A pool that has no
     * connection to give throws an SQLException without a state. A transaction manager that could not commit suppresses
     * what the database said.
     */
    public static boolean passes(Throwable failure) {
        return statement(failure).map(DatabaseOutage::isPassing).orElse(false);
    }

    /** What the database or its pool said last, if it said something. */
    private static Optional<SQLException> statement(Throwable failure) {
        if (failure == null) {
            return Optional.empty();
        }
        if (failure instanceof SQLException sql) {
            return Optional.of(sql);
        }
        return Stream.concat(Stream.of(failure.getSuppressed()), Stream.ofNullable(failure.getCause()))
                .flatMap(each -> statement(each).stream())
                .findFirst();
    }

    private static boolean isPassing(SQLException said) {
        String state = said.getSQLState();
        return said instanceof SQLTransientException
                || said instanceof SQLRecoverableException
                || state == null
                || state.equals(SESSION_ENDED)
                || (state.length() >= 2 && PASSING.contains(state.substring(0, 2)));
    }
}

package io.bardstream.corpus;

import io.quarkus.hibernate.orm.panache.Panache;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Optional;
import javax.sql.DataSource;
import org.jboss.logging.Logger;

/**
 * Which of the service's replicas emits a dataset: the one whose database session holds its lock. A lock ends with its
 * session, and so with its process, however that ends; another replica then finds the dataset free.
 *
 * <p>Should the database restart in the middle of an emission, two replicas may emit one dataset. Nothing is wrong then
 * but the space: the first manifest of an id wins, and readers follow its offsets.
 */
@ApplicationScoped
class Claims {
    private static final Logger LOG = Logger.getLogger(Claims.class);

    private final DataSource database;

    Claims(DataSource database) {
        this.database = database;
    }

    /** Claims a dataset; empty where another replica has it. Never waits. */
    Optional<Claim> on(String dataset) {
        try {
            Connection session = database.getConnection();
            if (ask(session, "select pg_try_advisory_lock(hashtextextended(?, 0))", dataset)) {
                return Optional.of(new Claim(session, dataset));
            }
            session.close();
            return Optional.empty();
        } catch (SQLException e) {
            throw new IllegalStateException("cannot ask who emits " + dataset, e);
        }
    }

    /**
     * From here to the end of the transaction nobody else, in whatever replica, is in such a transaction about this id: what one
     * adds the other finds there.
     */
    static void alone(String id) {
        Panache.getEntityManager()
                .createNativeQuery("select 1 from pg_advisory_xact_lock(hashtextextended(?1, 1))")
                .setParameter(1, id)
                .getSingleResult();
    }

    private static boolean ask(Connection session, String question, String dataset) throws SQLException {
        try (PreparedStatement statement = session.prepareStatement(question)) {
            statement.setString(1, dataset);
            try (ResultSet answer = statement.executeQuery()) {
                return answer.next() && answer.getBoolean(1);
            }
        }
    }

    /** A dataset that is this replica's to emit. */
    record Claim(Connection session, String dataset) {
        /** Gives it up; where the session is gone the claim went with it. */
        void release() {
            try (session) {
                ask(session, "select pg_advisory_unlock(hashtextextended(?, 0))", dataset);
            } catch (SQLException e) {
                LOG.warnf("The claim on %s went with its database session: %s", dataset, e.getMessage());
            }
        }
    }
}

package io.bardstream.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.SQLException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** What is done about a database that is away. */
class DatabaseTest {
    @Test
    void waitsForAnAbsentDatabaseButNotForAWrongStatement() {
        // Given a database that is there at the second try
        AtomicInteger tries = new AtomicInteger();

        // When and then
        assertThat(Database.whenThere(
                        () -> {
                            if (tries.incrementAndGet() == 1) {
                                throw because(new SQLException("connection refused", "08001"));
                            }
                            return "there";
                        },
                        () -> false))
                .isEqualTo("there");
        assertThatThrownBy(() -> Database.whenThere(
                        () -> {
                            tries.incrementAndGet();
                            throw because(new SQLException("duplicate key", "23505"));
                        },
                        () -> false))
                .hasRootCauseMessage("duplicate key");
        assertThat(tries).hasValue(3);
    }

    @Test
    void givesUpWhenTold() {
        assertThatThrownBy(() -> Database.whenThere(
                        () -> {
                            throw because(new SQLException("connection refused", "08001"));
                        },
                        () -> true))
                .hasRootCauseMessage("connection refused");
    }

    private static RuntimeException because(SQLException cause) {
        return new IllegalStateException("as Hibernate wraps it", cause);
    }
}

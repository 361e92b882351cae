package io.bardstream.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.NullSource;
import org.junit.jupiter.params.provider.ValueSource;

class DatabaseOutageTest {

    @ParameterizedTest
    @NullSource
    @ValueSource(strings = {"08006", "57P01", "57P03", "25P03", "53300", "40001"})
    void whatPassesIsSatOut(String state) {
        // Given
        AtomicInteger tries = new AtomicInteger();

        // When
        new DatabaseOutage()
                .sitOut(
                        () -> {
                            if (tries.incrementAndGet() < 3) {
                                throw new IllegalStateException("cannot commit", new SQLException("away", state));
                            }
                        },
                        Duration.ZERO);

        // Then
        assertThat(tries).hasValue(3);
    }

    @ParameterizedTest
    @ValueSource(strings = {"22021", "23505", "42P01", ""})
    void whatTheDatabaseRefusesIsThrownAtOnce(String state) {
        // Given
        AtomicInteger tries = new AtomicInteger();

        // When, then
        assertThatThrownBy(() -> new DatabaseOutage()
                        .sitOut(
                                () -> {
                                    tries.incrementAndGet();
                                    throw new IllegalStateException("cannot store", new SQLException("refused", state));
                                },
                                Duration.ZERO))
                .hasMessage("cannot store");
        assertThat(tries).hasValue(1);
    }

    @Test
    void aServiceThatStopsMakesNoDeadLetterOfWhatItCannotStoreAnyMore() throws InterruptedException {
        // Given
        DatabaseOutage outage = new DatabaseOutage();
        CountDownLatch tried = new CountDownLatch(2);
        AtomicReference<Throwable> thrown = new AtomicReference<>();
        Thread listener = new Thread(() -> outage.sitOut(
                () -> {
                    tried.countDown();
                    throw new IllegalStateException("EntityManagerFactory is closed");
                },
                Duration.ofMillis(1)));
        listener.setUncaughtExceptionHandler((thread, failure) -> thrown.set(failure));

        // When
        outage.stop(null);
        listener.start();

        // Then
        assertThat(tried.await(30, TimeUnit.SECONDS)).isTrue();
        assertThat(thrown).hasValue(null);
        listener.interrupt();
        listener.join();
        assertThat(thrown.get()).hasMessage("EntityManagerFactory is closed");
    }

    /** Narayana throws that it could not commit, and suppresses why. */
    @Test
    void whyATransactionCouldNotBeCommittedIsAmongTheSuppressed() {
        Throwable lost = new IllegalStateException("could not commit");
        lost.addSuppressed(new IllegalStateException("local transaction", new SQLException("server is gone", "57P01")));
        Throwable refused = new IllegalStateException("could not commit");
        refused.addSuppressed(new IllegalStateException("local transaction", new SQLException("exists", "23505")));

        assertThat(DatabaseOutage.passes(new IllegalStateException(lost))).isTrue();
        assertThat(DatabaseOutage.passes(new IllegalStateException(refused))).isFalse();
    }

    @Test
    void whatIsNotOfTheDatabaseIsThrownAtOnce() {
        assertThatThrownBy(() -> new DatabaseOutage()
                        .sitOut(
                                () -> {
                                    throw new IllegalStateException("a fault of ours");
                                },
                                Duration.ZERO))
                .hasMessage("a fault of ours");
    }
}

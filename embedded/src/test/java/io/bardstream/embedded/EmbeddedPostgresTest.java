package io.bardstream.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmbeddedPostgresTest {
    @TempDir
    Path folder;

    @Test
    void aCommittedRowSurvivesAKilledServer() throws Exception {
        // Given
        try (EmbeddedPostgres killed = start()) {
            execute(killed, "create table votes (choice text)");
            execute(killed, "insert into votes values ('a')");

            // When
            ProcessHandle.of(postmaster()).orElseThrow().destroyForcibly();
            killed.process().waitFor();
        }

        // Then
        try (EmbeddedPostgres again = start()) {
            assertThat(query(again, "select choice from votes")).isEqualTo("a");
        }
    }

    @Test
    void aServerLeftBehindIsStoppedBeforeItsDataIsOpened() throws Exception {
        // Given
        try (EmbeddedPostgres left = start()) {
            long stale = postmaster();

            // When
            try (EmbeddedPostgres again = start()) {

                // Then
                assertThat(postmaster()).isNotEqualTo(stale);
                assertThat(left.process().waitFor()).isZero();
                assertThat(query(again, "select 1")).isEqualTo("1");
            }
        }
    }

    @Test
    void nothingCommittedCanBeLostAndNobodyEntersWithoutThePassword() throws Exception {
        // Given
        try (EmbeddedPostgres postgres = start()) {
            // When, Then
            assertThat(query(postgres, "show fsync")).isEqualTo("on");
            assertThat(query(postgres, "show synchronous_commit")).isEqualTo("on");
            assertThat(query(postgres, "show full_page_writes")).isEqualTo("on");
            assertThatThrownBy(() -> DriverManager.getConnection(postgres.jdbcUrl(), EmbeddedPostgres.USER, "guess"))
                    .isInstanceOf(SQLException.class)
                    .hasMessageContaining("password");
            assertThat(PosixFilePermissions.toString(
                            Files.getPosixFilePermissions(folder.resolve("postgres/password"))))
                    .isEqualTo("rw-------");
        }
    }

    private EmbeddedPostgres start() {
        return EmbeddedPostgres.start(
                folder.resolve("postgres"),
                EmbeddedServices.binaries(),
                FreePort.any(),
                folder.resolve("postgres.log"));
    }

    private long postmaster() throws Exception {
        return Long.parseLong(Files.readAllLines(folder.resolve("postgres/data/postmaster.pid"))
                .get(0)
                .strip());
    }

    private static void execute(EmbeddedPostgres postgres, String sql) throws SQLException {
        try (Connection connection =
                        DriverManager.getConnection(postgres.jdbcUrl(), EmbeddedPostgres.USER, postgres.password());
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static String query(EmbeddedPostgres postgres, String sql) throws SQLException {
        try (Connection connection =
                        DriverManager.getConnection(postgres.jdbcUrl(), EmbeddedPostgres.USER, postgres.password());
                Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery(sql)) {
            result.next();
            return result.getString(1);
        }
    }
}

package io.bardstream.embedded;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A real PostgreSQL as a child process on the loopback interface, its data in a folder that outlives it.
 *
 * <p>Guarantees: when {@link #start} returns, the database {@value #DATABASE} exists and accepts connections by password. A committed row is there
 * after a kill -9 of the server or of this process (fsync, full_page_writes and synchronous_commit are on). The server ends with this process, however this
 * process ends: a shell between the two waits for the end of its standard input. A server left behind is stopped before the data is opened.
 */
public final class EmbeddedPostgres implements AutoCloseable {
    public static final String DATABASE = "bardstream";
    public static final String USER = "bardstream";

    private static final int START_SECONDS = 60;
    private static final int STOP_SECONDS = 15;

    /**
     * Runs "$@" and interrupts it (PostgreSQL's fast shutdown) at the end of standard input. The script's own standard input is kept as 3, for a shell
     * gives its background jobs an empty one.
     */
    private static final String TETHER = """
            exec 3<&0
            "$@" </dev/null &
            server=$!
            { read -r line <&3; kill -INT "$server"; } 2>/dev/null &
            watch=$!
            wait "$server"
            status=$?
            kill "$watch" 2>/dev/null
            exit "$status"
            """;

    private final Process process;
    private final int port;
    private final String password;

    private EmbeddedPostgres(Process process, int port, String password) {
        this.process = process;
        this.port = port;
        this.password = password;
    }

    /**
     * Starts a server on a new or existing folder and waits until it serves.
     *
     * @param folder its data and password
     * @param binaries where PostgreSQL's programs are unpacked once
     * @param port for clients
     * @param log the file for the server's log; one above 10 MB is set aside at start
     */
    public static EmbeddedPostgres start(Path folder, Path binaries, int port, Path log) {
        try {
            Path data = folder.toAbsolutePath().resolve("data");
            Files.createDirectories(folder);
            Files.createDirectories(log.toAbsolutePath().getParent());
            Path programs = PostgresBinaries.unpackedBelow(binaries).resolve("bin");
            String password = password(folder);
            if (!Files.exists(data.resolve("PG_VERSION"))) {
                initialise(programs, folder.toAbsolutePath(), data, log);
            }
            endStale(data);
            rotate(log);
            Process process = new ProcessBuilder(Child.ownSession(command(programs, data, port)))
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                    .start();
            EmbeddedPostgres postgres = new EmbeddedPostgres(process, port, password);
            postgres.awaitReady(log);
            return postgres;
        } catch (IOException e) {
            throw new UncheckedIOException("PostgreSQL could not be started in " + folder, e);
        }
    }

    /** Unpacks PostgreSQL's programs, which {@link #start} does otherwise. */
    public static void unpack(Path binaries) {
        try {
            PostgresBinaries.unpackedBelow(binaries);
        } catch (IOException e) {
            throw new UncheckedIOException("PostgreSQL could not be unpacked to " + binaries, e);
        }
    }

    public String jdbcUrl() {
        return "jdbc:postgresql://127.0.0.1:" + port + "/" + DATABASE;
    }

    public String password() {
        return password;
    }

    /** The shell that holds the server, to watch it: it ends when the server ends. */
    public Process process() {
        return process;
    }

    /** Stops the server cleanly; kills it where that takes over {@value #STOP_SECONDS} seconds. */
    @Override
    public void close() {
        Child.stop(process, STOP_SECONDS);
    }

    private static String password(Path folder) throws IOException {
        Path file = folder.resolve("password");
        if (!Files.exists(file)) {
            byte[] random = new byte[16];
            new SecureRandom().nextBytes(random);
            Path fresh = folder.resolve("password.new");
            Files.deleteIfExists(fresh);
            Files.createFile(fresh, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            Files.writeString(fresh, HexFormat.of().formatHex(random));
            Files.move(fresh, file);
        }
        return Files.readString(file).strip();
    }

    /** Into a sibling first: a folder named data is a complete one. */
    private static void initialise(Path programs, Path folder, Path data, Path log) throws IOException {
        Path fresh = folder.resolve("data.new");
        Child.deleteTree(fresh);
        List<String> command = asOrdinaryUser(
                programs.resolve("initdb").toString(),
                "--pgdata=" + fresh,
                "--username=" + USER,
                "--pwfile=" + folder.resolve("password"),
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--no-locale");
        Process initdb = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                .start();
        initdb.getOutputStream().close();
        if (await(initdb) != 0) {
            throw new StartFailure("PostgreSQL could not set up its data in " + data + ". Its words are in " + log
                    + (isRoot()
                            ? "; as root it needs `unshare -U`, so allow user namespaces or run as an ordinary user."
                            : "."));
        }
        Files.move(fresh, data);
    }

    private static int await(Process process) {
        try {
            return process.waitFor();
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            throw new StartFailure("Interrupted while PostgreSQL was starting", e);
        }
    }

    private static List<String> command(Path programs, Path data, int port) {
        List<String> command = new ArrayList<>(List.of("/bin/sh", "-c", TETHER, "postgres-tether"));
        command.addAll(asOrdinaryUser(programs.resolve("postgres").toString(), "-D", data.toString(), "-p", "" + port));
        for (String setting : List.of(
                "listen_addresses=127.0.0.1",
                "unix_socket_directories=",
                "fsync=on",
                "synchronous_commit=on",
                "full_page_writes=on",
                "max_connections=100",
                "shared_buffers=32MB",
                "max_wal_size=256MB",
                "log_line_prefix=%m [%p] ",
                "timezone=UTC",
                "log_timezone=UTC")) {
            command.add("-c");
            command.add(setting);
        }
        return command;
    }

    /** PostgreSQL refuses to run as root; in a user namespace of its own it does not see that it is. */
    private static List<String> asOrdinaryUser(String... command) {
        List<String> words = new ArrayList<>();
        if (isRoot()) {
            words.addAll(List.of("unshare", "-U"));
        }
        words.addAll(Arrays.asList(command));
        return words;
    }

    private static boolean isRoot() {
        try {
            return Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0);
        } catch (IOException | UnsupportedOperationException notLinux) {
            return System.getProperty("user.name").equals("root");
        }
    }

    private static void endStale(Path data) throws IOException {
        Path pid = data.resolve("postmaster.pid");
        if (!Files.exists(pid)) {
            return;
        }
        String first = Files.readAllLines(pid).stream().findFirst().orElse("").strip();
        if (first.matches("\\d+") && Child.isAlive(Long.parseLong(first), data.toString())) {
            await(new ProcessBuilder("kill", "-INT", first).start());
            Child.endStale(Long.parseLong(first), data.toString(), STOP_SECONDS);
        }
    }

    private static void rotate(Path log) throws IOException {
        if (Files.exists(log) && Files.size(log) > 10_000_000) {
            Files.move(log, log.resolveSibling(log.getFileName() + ".1"), StandardCopyOption.REPLACE_EXISTING);
        }
    }

    /** Asks until the server answers; makes the database at the first start. */
    private void awaitReady(Path log) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_SECONDS);
        SQLException last = null;
        while (process.isAlive() && System.nanoTime() < deadline) {
            try (Connection connection = DriverManager.getConnection(
                            "jdbc:postgresql://127.0.0.1:" + port + "/postgres", USER, password);
                    Statement statement = connection.createStatement();
                    ResultSet found =
                            statement.executeQuery("select 1 from pg_database where datname = '" + DATABASE + "'")) {
                if (!found.next()) {
                    statement.execute("create database " + DATABASE);
                }
                return;
            } catch (SQLException notYet) {
                last = notYet;
                pause();
            }
        }
        close();
        throw new StartFailure(
                "PostgreSQL did not serve on 127.0.0.1:" + port + " within " + START_SECONDS
                        + " s. Expected a connection; its words are in " + log + ".",
                last);
    }

    private static void pause() {
        try {
            TimeUnit.MILLISECONDS.sleep(50);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StartFailure("Interrupted while PostgreSQL was starting", e);
        }
    }
}

package io.bardstream.embedded;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;

/**
 * A child process on a tether: it ends when its standard input ends, which happens when this process closes it and also when this process is killed. What is
 * started this way leaves nothing behind.
 */
public final class Child {
    private static final Path SETSID = Path.of("/usr/bin/setsid");

    private Child() {}

    /**
     * The command in a session of its own, where the system can do that: Ctrl-C in the terminal then reaches the parent alone, which stops its children in order.
     */
    public static List<String> ownSession(List<String> command) {
        return Files.isExecutable(SETSID)
                ? Stream.concat(Stream.of(SETSID.toString()), command.stream()).toList()
                : command;
    }

    /** Closes standard input, which asks the child to stop, and kills it where it has not within the given seconds. */
    public static void stop(Process process, int seconds) {
        try {
            process.getOutputStream().close();
        } catch (IOException alreadyGone) {
            // The pipe has no reader left, so the child is ending already.
        }
        boolean interrupted = false;
        try {
            if (process.waitFor(seconds, TimeUnit.SECONDS)) {
                return;
            }
        } catch (InterruptedException e) {
            interrupted = true;
        }
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Whether that process runs and is what we take it for: a pid may have gone to a stranger whose command line lacks {@code mark}. */
    public static boolean isAlive(long pid, String mark) {
        return ProcessHandle.of(pid)
                .filter(handle -> commandLine(handle).contains(mark))
                .isPresent();
    }

    /** Waits for a process that an earlier parent left and kills it after the given seconds. */
    public static void endStale(long pid, String mark, int seconds) {
        if (!isAlive(pid, mark)) {
            return;
        }
        ProcessHandle.of(pid).ifPresent(stale -> {
            try {
                stale.onExit().get(seconds, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } catch (ExecutionException | TimeoutException stillThere) {
                stale.destroyForcibly();
                stale.onExit().join();
            }
        });
    }

    /** The words with which a process was started, or nothing where that cannot be known. */
    public static String commandLine(ProcessHandle handle) {
        Path linux = Path.of("/proc", Long.toString(handle.pid()), "cmdline");
        try {
            return Files.readString(linux).replace('\0', ' ');
        } catch (IOException | UncheckedIOException notLinux) {
            return handle.info().commandLine().orElse("");
        }
    }

    /** Deletes a folder and all that is in it, if it is there. */
    public static void deleteTree(Path folder) {
        if (!Files.exists(folder)) {
            return;
        }
        try (Stream<Path> paths = Files.walk(folder)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("Could not delete " + folder, e);
        }
    }
}

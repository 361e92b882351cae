package io.bardstream.embedded;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;

/** What both children have in common: they end when their standard input ends, and leave a pid by which the next start finds a stale one. */
final class Child {
    private Child() {}

    /** Closes standard input, which asks the child to stop, and kills it where it has not within the given seconds. */
    static void stop(Process process, int seconds) {
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
    static boolean isAlive(long pid, String mark) {
        return ProcessHandle.of(pid)
                .filter(handle -> commandLine(handle).contains(mark))
                .isPresent();
    }

    /** Waits for a process left by an earlier parent and kills it after the given seconds. */
    static void endStale(long pid, String mark, int seconds) {
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

    static String commandLine(ProcessHandle handle) {
        Path linux = Path.of("/proc", Long.toString(handle.pid()), "cmdline");
        try {
            return Files.readString(linux).replace('\0', ' ');
        } catch (IOException | UncheckedIOException notLinux) {
            return handle.info().commandLine().orElse("");
        }
    }

    static void deleteTree(Path folder) {
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

package io.bardstream.training;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Nanoseconds that a process's threads have had a processor, as Linux counts them, all but those of one name. A thread that a
 * Java thread starts in native code has its name, so {@code except} leaves out a computing thread with its helpers, and what
 * remains is everything else: clients, garbage collection, compilation.
 *
 * @param except name of the threads that do not count
 */
record ProcessorTime(long pid, String except) {
    /** Of the threads that live now; what ended ones had is not in it. */
    long nanoseconds() {
        long sum = 0;
        try (DirectoryStream<Path> threads = Files.newDirectoryStream(Path.of("/proc", Long.toString(pid), "task"))) {
            for (Path thread : threads) {
                sum += nanoseconds(thread);
            }
            return sum;
        } catch (IOException e) {
            throw new UncheckedIOException("the threads of process " + pid + " cannot be read", e);
        }
    }

    private long nanoseconds(Path thread) throws IOException {
        try {
            boolean counts = !Files.readString(thread.resolve("comm")).strip().equals(except);
            String onProcessor = Files.readString(thread.resolve("schedstat")).split(" ", 2)[0];
            return counts ? Long.parseLong(onProcessor) : 0;
        } catch (IOException e) {
            if (Files.exists(thread)) {
                throw e;
            }
            return 0; // it ended meanwhile
        }
    }
}

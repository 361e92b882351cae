package io.bardstream.training;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Predicate;

/**
 * Nanoseconds that some of a process's threads have had a processor, as Linux counts them. A thread that a Java thread starts in
 * native code has its name, so a computing thread and its helpers are known by one.
 *
 * @param names which threads count, by their names' first 15 characters, which is what Linux keeps
 */
record ProcessorTime(long pid, Predicate<String> names) {
    /** Those that make machine code of byte code: what they do ends some minutes after a process's start. */
    static final Predicate<String> COMPILERS = name -> name.startsWith("C1 Compiler") || name.startsWith("C2 Compiler");

    /** What each of the threads that live now has had, by its path. */
    Map<Path, Long> nanoseconds() {
        Map<Path, Long> nanoseconds = new HashMap<>();
        try (DirectoryStream<Path> threads = Files.newDirectoryStream(Path.of("/proc", Long.toString(pid), "task"))) {
            for (Path thread : threads) {
                nanoseconds.put(thread, nanoseconds(thread));
            }
            return nanoseconds;
        } catch (IOException e) {
            throw new UncheckedIOException("the threads of process " + pid + " cannot be read", e);
        }
    }

    /** What those that live now have had since then, all together. */
    long since(Map<Path, Long> then) {
        return nanoseconds().entrySet().stream()
                .mapToLong(thread -> thread.getValue() - then.getOrDefault(thread.getKey(), 0L))
                .sum();
    }

    private long nanoseconds(Path thread) throws IOException {
        try {
            boolean counts = names.test(Files.readString(thread.resolve("comm")).strip());
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

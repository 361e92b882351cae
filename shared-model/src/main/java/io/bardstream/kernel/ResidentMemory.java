package io.bardstream.kernel;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;

/** The physical memory that this process has, in bytes; empty where the operating system does not say. */
public final class ResidentMemory {
    private static final Path STATUS = Path.of("/proc/self/status");

    private ResidentMemory() {}

    /** What it has now. */
    public static OptionalLong bytes() {
        return status("VmRSS:");
    }

    /** The most it ever had. */
    public static OptionalLong peak() {
        return status("VmHWM:");
    }

    private static OptionalLong status(String name) {
        if (!Files.exists(STATUS)) {
            return OptionalLong.empty();
        }
        List<String> lines;
        try {
            lines = Files.readAllLines(STATUS);
        } catch (IOException e) {
            throw new UncheckedIOException(STATUS + " cannot be read", e);
        }
        return lines.stream()
                .filter(line -> line.startsWith(name))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
                .findFirst();
    }
}

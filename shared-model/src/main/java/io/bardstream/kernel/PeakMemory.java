package io.bardstream.kernel;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;

/** The most physical memory that this process ever had. */
public final class PeakMemory {
    private static final Path STATUS = Path.of("/proc/self/status");
    private static final String HIGH_WATER_MARK = "VmHWM:";

    private PeakMemory() {}

    /** Resident bytes at their highest; empty where the operating system does not say. */
    public static OptionalLong residentBytes() {
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
                .filter(line -> line.startsWith(HIGH_WATER_MARK))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
                .findFirst();
    }
}

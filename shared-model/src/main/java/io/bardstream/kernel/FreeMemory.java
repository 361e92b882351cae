package io.bardstream.kernel;

import ai.djl.Device;
import ai.djl.util.cuda.CudaUtils;
import java.io.IOException;
import java.lang.management.MemoryUsage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;

/** How much memory can be had without taking it from anyone: what is loaded beside a training asks first. */
public final class FreeMemory {
    private static final Path SYSTEM = Path.of("/proc/meminfo");
    private static final Path GROUP = Path.of("/sys/fs/cgroup");

    private FreeMemory() {}

    /** Bytes free on the device that {@link Compute#open} chooses; empty where this cannot be known. */
    public static OptionalLong bytes() {
        if (Compute.gpuPresent()) {
            MemoryUsage gpu = CudaUtils.getGpuMemory(Device.gpu(0));
            return OptionalLong.of(gpu.getMax() - gpu.getCommitted());
        }
        return bytes(SYSTEM, GROUP);
    }

    /** What Linux can give without swapping, within the limit of the container where there is one (cgroup v2). */
    static OptionalLong bytes(Path meminfo, Path group) {
        OptionalLong available = number(meminfo, "MemAvailable:");
        OptionalLong limit = number(group.resolve("memory.max"), "");
        OptionalLong used = number(group.resolve("memory.current"), "");
        if (available.isEmpty() || limit.isEmpty() || used.isEmpty()) {
            return available.isPresent() ? OptionalLong.of(available.getAsLong() * 1024) : available;
        }
        long cached = number(group.resolve("memory.stat"), "inactive_file ").orElse(0); // given up when asked for
        long inside = Math.max(0, limit.getAsLong() - used.getAsLong() + cached);
        return OptionalLong.of(Math.min(available.getAsLong() * 1024, inside));
    }

    /** The number on the first line that begins so; empty where there is none, or it says max. */
    private static OptionalLong number(Path file, String beginning) {
        try {
            List<String> lines = Files.readAllLines(file);
            return lines.stream()
                    .filter(line -> line.startsWith(beginning))
                    .map(line -> line.substring(beginning.length()).replaceAll("\\D", ""))
                    .filter(digits -> !digits.isEmpty())
                    .mapToLong(Long::parseLong)
                    .findFirst();
        } catch (IOException absent) {
            return OptionalLong.empty();
        }
    }
}

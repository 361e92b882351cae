package io.bardstream.kernel;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Where a training step's time goes, kernel by kernel. Between {@link #start} and {@link #close} every {@link TorchCall} of
 * the process is timed; otherwise a call pays one comparison. On a GPU a call returns before its work is done, so there
 * the times are those of launching it.
 *
 * <p>One profile at a time; the calls of one thread.
 */
public final class KernelProfile implements AutoCloseable {
    private static KernelProfile active;

    private final Map<String, long[]> byKernel = new LinkedHashMap<>(); // nanoseconds, calls

    /** The part of a step that a kernel belongs to. */
    public enum Pass {
        FORWARD,
        /** The head with its cross-entropy, forward and backward in one. */
        LOSS,
        BACKWARD,
        /** Norm, clipping, optimizer, copies of the weights. */
        UPDATE;

        private static Pass of(String kernel) {
            if (kernel.equals("next_token")) {
                return LOSS;
            }
            boolean update = kernel.matches("square_sum|adamw_|muon_|copy_|zero_");
            return update ? UPDATE : kernel.contains("_backward") ? BACKWARD : FORWARD;
        }

        /** Its name in tables and JSON. */
        public String label() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** All calls of one kernel. */
    public record Entry(String kernel, String pass, double milliseconds, long calls) {}

    private KernelProfile() {}

    /** Begins to time kernels. */
    public static KernelProfile start() {
        active = new KernelProfile();
        return active;
    }

    /** The profile that runs, or null. */
    static KernelProfile active() {
        return active;
    }

    void add(String kernel, long nanoseconds) {
        long[] sum = byKernel.computeIfAbsent(kernel, name -> new long[2]);
        sum[0] += nanoseconds;
        sum[1]++;
    }

    /** What was measured, each number divided by {@code steps}, in the order of the passes, the longest first in each. */
    public List<Entry> perStep(int steps) {
        List<Entry> entries = new ArrayList<>();
        byKernel.forEach((kernel, sum) ->
                entries.add(new Entry(kernel, Pass.of(kernel).label(), sum[0] / 1e6 / steps, sum[1] / steps)));
        entries.sort(Comparator.<Entry, Pass>comparing(entry -> Pass.of(entry.kernel()))
                .thenComparing(Comparator.comparingDouble(Entry::milliseconds).reversed()));
        return entries;
    }

    /** Ends the timing. */
    @Override
    public void close() {
        active = null;
    }
}

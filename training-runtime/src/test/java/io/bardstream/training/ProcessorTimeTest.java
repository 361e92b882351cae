package io.bardstream.training;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;

class ProcessorTimeTest {
    private static final long NANOSECONDS = 200_000_000;

    private final long pid = ProcessHandle.current().pid();

    @Test
    void whatAThreadComputesCountsUnlessItsNameDoesNot() throws Exception {
        ProcessorTime all = new ProcessorTime(pid, name -> true);
        ProcessorTime others = new ProcessorTime(pid, name -> !name.equals("computing"));

        FutureTask<long[]> computed = new FutureTask<>(() -> {
            Map<Path, Long> allBefore = all.nanoseconds();
            Map<Path, Long> othersBefore = others.nanoseconds();
            compute();
            return new long[] {all.since(allBefore), others.since(othersBefore)};
        });
        new Thread(computed, "computing").start();

        long[] counted = computed.get();
        assertThat(counted[0]).isGreaterThanOrEqualTo(NANOSECONDS);
        assertThat(counted[1]).isBetween(0L, counted[0] - NANOSECONDS / 2); // the rest ran meanwhile
    }

    /** As long as this thread's own clock says. */
    private static void compute() {
        var clock = ManagementFactory.getThreadMXBean();
        long until = clock.getCurrentThreadCpuTime() + NANOSECONDS;
        while (clock.getCurrentThreadCpuTime() < until) {
            Thread.onSpinWait();
        }
    }
}

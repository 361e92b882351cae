package io.bardstream.training;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.management.ManagementFactory;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;

class ProcessorTimeTest {
    private static final long NANOSECONDS = 200_000_000;

    private final long pid = ProcessHandle.current().pid();

    @Test
    void whatAThreadComputesIsInItUnlessItIsNamed() throws Exception {
        ProcessorTime all = new ProcessorTime(pid, "");
        ProcessorTime others = new ProcessorTime(pid, "computing");

        FutureTask<long[]> computed = new FutureTask<>(() -> {
            long before = all.nanoseconds();
            long othersBefore = others.nanoseconds();
            compute();
            return new long[] {all.nanoseconds() - before, others.nanoseconds() - othersBefore};
        });
        new Thread(computed, "computing").start();

        long[] counted = computed.get();
        assertThat(counted[0]).isGreaterThanOrEqualTo(NANOSECONDS);
        assertThat(counted[0] - counted[1]).isGreaterThanOrEqualTo(NANOSECONDS);
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

package io.bardstream.training;

import static org.assertj.core.api.Assertions.assertThat;

import io.bardstream.event.StepMetrics;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/** Measurements reach the database and the topic in order and in few writings, whatever fails in between. */
class MetricsLogTest {
    private static final int STEPS = 200;

    private final List<List<Long>> stored = new CopyOnWriteArrayList<>();
    private final List<Long> sent = new CopyOnWriteArrayList<>();

    @Test
    void writesOnceASecondAndAtOnceWhereItIsAwaited() throws Exception {
        long begin = System.nanoTime();
        try (MetricsLog log = new MetricsLog("run", this::store, this::send)) {
            LongStream.range(0, STEPS).forEach(step -> log.add(at(step)));
            log.awaitStored(() -> false);

            assertThat(stored.stream().flatMap(List::stream)).containsExactlyElementsOf(allSteps());
            Duration took = Duration.ofNanos(System.nanoTime() - begin);
            assertThat(stored)
                    .hasSizeLessThanOrEqualTo((int) took.toSeconds() + 2); // the first, those a second, the awaited

            log.flush(Duration.ofMinutes(1));
        }
        assertThat(sent).isEqualTo(allSteps());
    }

    @Test
    void sendsAgainWhatWasNotAcknowledged() throws Exception {
        AtomicInteger refusals = new AtomicInteger(1);
        try (MetricsLog log = new MetricsLog(
                "run",
                this::store,
                metrics -> refusals.getAndDecrement() > 0
                        ? CompletableFuture.failedFuture(new IllegalStateException("the broker is away"))
                        : send(metrics))) {
            log.add(at(0));
            log.add(at(1));
            log.flush(Duration.ofMinutes(1));
        }

        assertThat(sent).contains(0L).endsWith(1L);
        assertThat(stored.stream().flatMap(List::stream)).containsExactly(0L, 1L);
    }

    private void store(List<StepMetrics> some) {
        stored.add(some.stream().map(StepMetrics::step).toList());
    }

    private CompletableFuture<Void> send(StepMetrics metrics) {
        sent.add(metrics.step());
        return CompletableFuture.completedFuture(null);
    }

    private static List<Long> allSteps() {
        return LongStream.range(0, STEPS).boxed().toList();
    }

    private static StepMetrics at(long step) {
        return new StepMetrics(
                "run", step, STEPS, step, 1.0, 1e-3, 1.0, 1e3, 1.0, null, null, null, null, null, Instant.EPOCH);
    }
}

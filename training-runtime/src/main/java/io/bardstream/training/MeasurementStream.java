package io.bardstream.training;

import io.quarkus.narayana.jta.QuarkusTransaction;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.infrastructure.Infrastructure;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;

/** What was measured of a run, read from its table: all so far, or followed until the run has ended. */
@ApplicationScoped
public class MeasurementStream {
    private static final Duration BETWEEN_LOOKS = Duration.ofMillis(250);
    private static final int AT_ONCE = 1_000;

    private final RunWorker worker;

    MeasurementStream(RunWorker worker) {
        this.worker = worker;
    }

    /** All measurements so far in the order of steps, a line each. */
    String soFar(String run) {
        return QuarkusTransaction.requiringNew()
                .call(() -> StoredMeasurement.<StoredMeasurement>list("runId = ?1 order by step", run).stream()
                        .map(row -> row.metrics + "\n")
                        .collect(Collectors.joining()));
    }

    /** All measurements so far, then each as it is written, until the run has ended and all are sent, or the service stops. */
    Multi<String> live(String run) {
        AtomicLong seen = new AtomicLong();
        return Multi.createFrom()
                .ticks()
                .every(BETWEEN_LOOKS)
                .onOverflow()
                .drop()
                .emitOn(Infrastructure.getDefaultWorkerPool())
                .map(tick -> look(run, seen))
                .select()
                .first(look -> !look.over() && !worker.stopping())
                .onItem()
                .transformToIterable(Look::metrics);
    }

    /** @param over nothing more will come */
    private record Look(List<String> metrics, boolean over) {}

    private static Look look(String run, AtomicLong seen) {
        return QuarkusTransaction.requiringNew().call(() -> {
            // The status first: what a run measured is written before it ends.
            boolean ended = Run.<Run>findById(run).status.ended();
            List<StoredMeasurement> rows = StoredMeasurement.after(run, seen.get(), AT_ONCE);
            if (!rows.isEmpty()) {
                seen.set(rows.get(rows.size() - 1).seq);
            }
            return new Look(rows.stream().map(row -> row.metrics).toList(), ended && rows.isEmpty());
        });
    }
}

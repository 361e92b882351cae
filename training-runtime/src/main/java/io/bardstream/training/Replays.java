package io.bardstream.training;

import io.bardstream.checkpoint.Lineage;
import io.bardstream.event.Dataset;
import io.bardstream.event.Dataset.Range;
import io.bardstream.event.Dataset.Split;
import io.bardstream.event.InvalidFieldException;
import io.bardstream.event.TrainingRequest;
import io.bardstream.service.ApiException;
import io.bardstream.training.Comparison.Trained;
import io.bardstream.training.Comparison.Weights;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.transaction.Transactional;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.apache.kafka.common.TopicPartition;

/** Asks for runs again, as they were or with something changed, and compares what comes out with what came out then. */
@ApplicationScoped
public class Replays {
    private static final String SEED = "seed";
    private static final String UNTIL = "until";

    private final Stages stages;
    private final Facts facts;
    private final RunQueue queue;
    private final TrainingRuns runs;
    private final LogReader log;

    Replays(Stages stages, Facts facts, RunQueue queue, TrainingRuns runs, LogReader log) {
        this.stages = stages;
        this.facts = facts;
        this.queue = queue;
        this.runs = runs;
        this.log = log;
    }

    /**
     * The request that trains a run again.
     *
     * @param set hyperparameters and seed that are to differ
     * @param until an offset or a time, as text or number: of the training split only the blocks before it count; null for
     *     what the run was trained on
     * @param requestedBy who asks
     * @throws InvalidFieldException naming what cannot be
     */
    TrainingRequest request(Run original, Map<String, ?> set, Object until, String requestedBy) {
        TrainingRequest asked = original.trainingRequest();
        Map<String, Object> hyperparameters = new HashMap<>(set);
        Object seed = hyperparameters.remove(SEED);
        TrainingRequest request = new TrainingRequest(
                UUID.randomUUID().toString(),
                asked.stage(),
                asked.dataset(),
                asked.preset(),
                asked.parent(),
                asked.reward(),
                asked.hyperparameters().with(hyperparameters),
                seed == null ? asked.seed() : seed(seed),
                original.id,
                offset(asked, until),
                requestedBy,
                Instant.now(),
                asked.prompts());
        StageTraining training = stages.of(request.stage());
        training.check(request);
        if (!set.isEmpty()) {
            training.shape(request)
                    .ifPresent(model -> MemoryLimit.of(null, false).apply(request, model));
        }
        return request;
    }

    private static long seed(Object value) {
        if (value instanceof Integer || value instanceof Long) {
            return ((Number) value).longValue();
        }
        throw new InvalidFieldException(SEED, value + " is not a whole number");
    }

    /** Where the training split is cut: an offset inside its range, or its end; null where nothing is said of it. */
    private Long offset(TrainingRequest asked, Object until) {
        if (until == null) {
            return asked.until();
        }
        Dataset dataset = facts.dataset(asked.dataset())
                .orElseThrow(() -> new InvalidFieldException("dataset", "'" + asked.dataset() + "' is not known here"));
        Split train = dataset.split(Split.TRAIN).orElseThrow();
        List<TopicPartition> partitions = train.ranges().stream()
                .map(range -> new TopicPartition(range.topic(), range.partition()))
                .distinct()
                .toList();
        if (partitions.size() != 1) {
            throw new InvalidFieldException(
                    UNTIL, "the dataset lies in several partitions, where an offset says little");
        }
        long start = train.ranges().get(0).start();
        long end = train.ranges().stream().mapToLong(Range::end).max().orElseThrow();
        String text = String.valueOf(until);
        long offset = text.matches("\\d{1,18}") ? Long.parseLong(text) : log.offsetAt(partitions.get(0), time(text));
        if (offset <= start || (offset > end && text.matches("\\d+"))) {
            throw new InvalidFieldException(
                    UNTIL,
                    "%s is offset %d; the training split lies at %s, offsets [%d, %d)"
                            .formatted(text, offset, partitions.get(0), start, end));
        }
        return Math.min(offset, end);
    }

    private static Instant time(String text) {
        try {
            return OffsetDateTime.parse(text).toInstant();
        } catch (DateTimeParseException e) {
            throw new InvalidFieldException(
                    UNTIL, "'" + text + "' is neither an offset nor a time such as 2026-11-23T10:00:00Z");
        }
    }

    /** A replay beside its original. */
    @Transactional
    Comparison comparison(Run replay) {
        String replayOf = replay.trainingRequest().replayOf();
        if (replayOf == null) {
            throw ApiException.conflict(
                    "Run '" + replay.id + "' is no replay: there is nothing to compare it with.", null);
        }
        Run original = queue.find(replayOf).orElseThrow(() -> ApiException.notFound("run", replayOf));
        return Comparison.of(trained(original), trained(replay));
    }

    /** From the rows, which stay when folders are pruned; only the engine stands in a folder alone. */
    private Trained trained(Run run) {
        List<StoredCheckpoint> saved = StoredCheckpoint.list("runId = ?1 order by step", run.id);
        Optional<StoredCheckpoint> last = saved.stream().max(Comparator.comparingLong(row -> row.step));
        Optional<StoredCheckpoint> best =
                saved.stream().filter(row -> row.id.equals(run.checkpoint)).findFirst();
        return new Trained(
                run.id,
                run.status,
                run.step,
                run.tokens,
                run.bestValidationLoss,
                run.bitsPerByte,
                run.startedAt == null || run.endedAt == null
                        ? null
                        : Duration.between(run.startedAt, run.endedAt).toMillis() / 1000.0,
                last.map(Replays::weights).orElse(null),
                best.map(Replays::weights).orElse(null),
                run.trainingRequest(),
                last.flatMap(this::lineage)
                        .or(() -> best.flatMap(this::lineage))
                        .orElse(null));
    }

    private static Weights weights(StoredCheckpoint row) {
        return new Weights(row.id, row.step, row.checkpoint().sha256());
    }

    private Optional<Lineage> lineage(StoredCheckpoint row) {
        Path folder = runs.store().resolve(row.checkpoint().path());
        try {
            return Optional.of(Lineage.read(folder));
        } catch (NoSuchFileException pruned) {
            return Optional.empty();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read the lineage in " + folder, e);
        }
    }
}

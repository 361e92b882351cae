package io.bardstream.training;

import io.bardstream.checkpoint.Lineage;
import io.bardstream.event.Dataset;
import io.bardstream.event.Dataset.Range;
import io.bardstream.event.Dataset.Split;
import io.bardstream.event.DatasetKind;
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
import java.util.Set;
import java.util.UUID;
import org.apache.kafka.common.TopicPartition;

/** Asks for runs again, as they were or with something changed, and compares what comes out with what came out then. */
@ApplicationScoped
public class Replays {
    private static final String SEED = "seed";
    private static final String UNTIL = "until";
    private static final String EXCLUDED = "exclude_annotators";

    private final Stages stages;
    private final Facts facts;
    private final RunQueue queue;
    private final TrainingRuns runs;
    private final LogReader log;
    private final PreferenceLog votes;

    Replays(Stages stages, Facts facts, RunQueue queue, TrainingRuns runs, LogReader log, PreferenceLog votes) {
        this.stages = stages;
        this.facts = facts;
        this.queue = queue;
        this.runs = runs;
        this.log = log;
        this.votes = votes;
    }

    /**
     * The request that trains a run again.
     *
     * @param changes what is to differ: hyperparameters and seed; an offset or a time, as text or number, before which a block
     *     of the training split, or a vote, must lie; annotators whose votes do not count
     * @param requestedBy who asks
     * @throws InvalidFieldException naming what cannot be
     */
    TrainingRequest request(Run original, RunsResource.Changes changes, String requestedBy) {
        TrainingRequest asked = original.trainingRequest();
        Map<String, Object> hyperparameters = new HashMap<>(changes.set());
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
                offset(asked, changes.until()),
                requestedBy,
                Instant.now(),
                asked.prompts(),
                excluded(asked, changes.excludeAnnotators()));
        StageTraining training = stages.of(request.stage());
        training.check(request);
        if (!changes.set().isEmpty()) {
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

    private Dataset dataset(TrainingRequest asked) {
        return facts.dataset(asked.dataset())
                .orElseThrow(() -> new InvalidFieldException("dataset", "'" + asked.dataset() + "' is not known here"));
    }

    /** Where the training split is cut: an offset inside its range, or its end; null where nothing is said of it. */
    private Long offset(TrainingRequest asked, Object until) {
        if (until == null) {
            return asked.until();
        }
        Dataset dataset = dataset(asked);
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

    /** People whose votes are not to count: each must have cast one that did. */
    private List<String> excluded(TrainingRequest asked, List<String> annotators) {
        if (annotators == null) {
            return asked.excludedAnnotators();
        }
        Dataset dataset = dataset(asked);
        if (dataset.kind() != DatasetKind.PREFERENCE) {
            throw new InvalidFieldException(
                    EXCLUDED,
                    "'%s' is of kind %s; nobody has voted on it"
                            .formatted(dataset.id(), dataset.kind().label()));
        }
        try {
            Set<String> voted = votes.annotators(PreferenceDatasets.end(dataset));
            annotators.stream()
                    .filter(each -> !voted.contains(each))
                    .findFirst()
                    .ifPresent(nobody -> {
                        throw new InvalidFieldException(
                                EXCLUDED, "no vote of '%s' is in dataset '%s'".formatted(nobody, dataset.id()));
                    });
        } catch (DatasetException e) {
            throw new InvalidFieldException(EXCLUDED, e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw ApiException.unavailable("The service is stopping.");
        }
        return annotators;
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

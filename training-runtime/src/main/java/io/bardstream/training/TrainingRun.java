package io.bardstream.training;

import io.bardstream.checkpoint.CheckpointFolder;
import io.bardstream.checkpoint.CheckpointMetrics;
import io.bardstream.checkpoint.CheckpointStore;
import io.bardstream.checkpoint.CorruptCheckpointException;
import io.bardstream.checkpoint.HuggingFaceFormat;
import io.bardstream.checkpoint.HuggingFaceFormat.TokenizerFiles;
import io.bardstream.checkpoint.Lineage;
import io.bardstream.event.Checkpoint;
import io.bardstream.event.Dataset;
import io.bardstream.event.Stage;
import io.bardstream.event.StepMetrics;
import io.bardstream.event.TokenizerPublished;
import io.bardstream.event.TrainingRequest;
import io.bardstream.tokenizer.BpeTokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.jboss.logging.Logger;

/**
 * A run as its stage sees it: what to train on, where to go on, and where to put what comes out.
 *
 * <p>Guarantees. While this process owns the run nobody else trains it; once it does not, {@link #interrupted()} says so and
 * {@link #save} writes nothing. A checkpoint is a folder first, then a row, then an announcement. {@link #report} never
 * waits; {@link #save} waits while the database is away or the disk takes nothing, and so does {@link #tokens}: the run then
 * says why it stands still, and nothing of it is lost. For one thread.
 */
public final class TrainingRun {
    private static final Logger LOG = Logger.getLogger(TrainingRun.class);
    private static final int SHORT_ID = 8;
    private static final Duration BETWEEN_TRIES = Duration.ofSeconds(2);

    private final TrainingRequest request;
    private final Dataset dataset;
    private final TokenizerPublished tokenizer;
    private final Instant startedAt;
    private final LeaseKeeper lease;
    private final MetricsLog metrics;
    private final BooleanSupplier shutdown;
    private final TrainingRuns runs;
    private final BpeTokenizer bpe;
    private Lineage resumedFrom;

    TrainingRun(
            TrainingRequest request,
            Dataset dataset,
            TokenizerPublished tokenizer,
            Instant startedAt,
            LeaseKeeper lease,
            MetricsLog metrics,
            BooleanSupplier shutdown,
            TrainingRuns runs) {
        this.request = request;
        this.dataset = dataset;
        this.tokenizer = tokenizer;
        this.startedAt = startedAt;
        this.lease = lease;
        this.metrics = metrics;
        this.shutdown = shutdown;
        this.runs = runs;
        this.bpe = BpeTokenizer.fromJson(tokenizer.json());
    }

    public TrainingRequest request() {
        return request;
    }

    public Dataset dataset() {
        return dataset;
    }

    public BpeTokenizer tokenizer() {
        return bpe;
    }

    /** A split's tokens, read from Kafka if they are not on this machine yet, and in any case where the run is a replay. */
    public TokenFile tokens(String split) throws IOException, InterruptedException {
        return whenTheDiskTakesIt(
                "The tokens of " + dataset.id() + "/" + split,
                () -> request.replayOf() == null
                        ? runs.tokens().open(dataset, split, this::interrupted)
                        : runs.tokens().read(dataset, split, this::interrupted));
    }

    /** A split's conversations, read as {@link #tokens} reads. */
    public ConversationFile conversations(String split) throws IOException, InterruptedException {
        return ConversationFile.of(tokens(split), dataset, split);
    }

    /** What people prefer, where the dataset is of that kind: read from the log, and checked against the manifest. */
    public List<JudgedPair> pairs() throws IOException, InterruptedException {
        return runs.pairs(request, dataset, this::interrupted);
    }

    /** Whether to leave at this step: the service stops, the run is cancelled, or it is this process's no more. */
    public boolean interrupted() {
        return shutdown.getAsBoolean() || lease.cancelled() || lease.lost();
    }

    /** The checkpoint that the request names as parent, verified. */
    public Optional<Path> parent() throws IOException {
        return verified(request.parent());
    }

    /** The reward model that the request names, verified. */
    public Optional<Path> reward() throws IOException {
        return verified(request.reward());
    }

    private Optional<Path> verified(String checkpoint) throws IOException {
        if (checkpoint == null) {
            return Optional.empty();
        }
        Checkpoint fact = fact(checkpoint);
        return Optional.of(runs.store().verify(fact.path(), fact.sha256()));
    }

    /** Where an earlier owner of this run left off. */
    public Optional<ResumePoint> resume() throws IOException {
        runs.store().takeOver(request.runId());
        Optional<ResumePoint> point = ResumePoint.find(runs.store(), request.runId());
        if (point.isPresent()) {
            adopt(point.get());
        }
        return point;
    }

    public void report(StepMetrics measured) {
        metrics.add(measured);
        runs.gauges().measured(measured);
    }

    /**
     * Saves a checkpoint. What was reported before is stored before it.
     *
     * @throws LeaseLostException if the run is this process's no more; nothing was written then
     * @throws InterruptedException if the disk took nothing until the run was {@link #interrupted()}
     */
    public Checkpoint save(Snapshot snapshot) throws IOException, InterruptedException {
        String id = checkpointId(request, snapshot.step());
        Lineage lineage = new Lineage(
                id,
                snapshot.step(),
                request,
                dataset,
                request.parent() == null ? null : fact(request.parent()).sha256(),
                snapshot.engine(),
                runs.codeVersion(),
                resumedFrom == null ? null : resumedFrom.stretchesBefore(snapshot.engine(), runs.codeVersion()),
                startedAt,
                Instant.now(),
                null);
        CheckpointMetrics measured = new CheckpointMetrics(snapshot.metrics());
        CheckpointFolder folder = whenTheDiskTakesIt(
                "Checkpoint " + id, () -> runs.store().write(request.runId(), id, this::checkOwner, into -> {
                    HuggingFaceFormat.writeDescription(into, snapshot.config(), TokenizerFiles.of(bpe));
                    measured.write(into);
                    lineage.write(into);
                    snapshot.tensors().writeInto(into);
                }));
        return record(folder.path(), folder.sha256(), lineage, measured, snapshot.best());
    }

    /** Makes up for a process that ended between a folder and its row. */
    private void adopt(ResumePoint point) throws IOException {
        resumedFrom = point.lineage();
        Double loss = point.metrics().get(Checkpoint.VALIDATION_LOSS);
        boolean best = loss != null && Objects.equals(loss, point.metrics().get(BEST_VALIDATION_LOSS));
        String path = request.runId() + "/" + point.folder().getFileName();
        record(
                path,
                CheckpointStore.sha256(point.folder()),
                point.lineage(),
                new CheckpointMetrics(point.metrics()),
                best);
    }

    /** Name of the metric by which {@link #resume} knows whether a checkpoint was its run's best. */
    public static final String BEST_VALIDATION_LOSS = "best_validation_loss";

    private Checkpoint record(String path, String sha256, Lineage lineage, CheckpointMetrics measured, boolean best) {
        Checkpoint checkpoint = new Checkpoint(
                lineage.checkpoint(),
                model(request.stage()),
                request.stage(),
                request.parent(),
                request.runId(),
                request.requestedBy(),
                lineage.step(),
                dataset.id(),
                tokenizer.sha256(),
                path,
                sha256,
                measured.values(),
                lineage.writtenAt());
        Database.whenThere(
                () -> {
                    runs.queue().saved(lease.lease(), new StoredCheckpoint(checkpoint, best));
                    return null;
                },
                this::interrupted);
        runs.announcements().soon();
        return checkpoint;
    }

    /** The model that a stage makes. */
    private static String model(Stage stage) {
        return switch (stage) {
            case CLASSIFY -> Checkpoint.CLASSIFIER;
            case REWARD -> Checkpoint.REWARD;
            default -> Checkpoint.POLICY;
        };
    }

    /** Something that is written to the disk. */
    @FunctionalInterface
    private interface Writing<T> {
        T write() throws IOException, InterruptedException;
    }

    /**
     * Writes it now, or when the disk takes it: one that is full, or gone, is not the end of a run. Until then the run's row
     * says what it waits for. What is damaged is damaged for good, and thrown.
     */
    private <T> T whenTheDiskTakesIt(String what, Writing<T> writing) throws IOException, InterruptedException {
        boolean said = false;
        while (true) {
            try {
                T written = writing.write();
                if (said) {
                    LOG.infof("%s is written, and run %s goes on", what, request.runId());
                    waitsFor(null);
                }
                return written;
            } catch (DatasetException | CorruptCheckpointException e) {
                throw e;
            } catch (IOException e) {
                if (!said) {
                    String problem = what + " cannot be written, and the run waits: " + e.getMessage()
                            + ". It goes on by itself when the disk takes it";
                    LOG.errorf("Run %s: %s", request.runId(), problem);
                    waitsFor(problem);
                    said = true;
                }
                pause();
            }
        }
    }

    private void waitsFor(String problem) {
        Database.whenThere(
                () -> {
                    runs.queue().waits(lease.lease(), problem);
                    return null;
                },
                this::interrupted);
    }

    private void pause() throws InterruptedException {
        long until = System.nanoTime() + BETWEEN_TRIES.toNanos();
        while (System.nanoTime() < until) {
            if (interrupted()) {
                throw new InterruptedException(
                        "run " + request.runId() + " was interrupted while it waited for the disk");
            }
            Thread.sleep(100);
        }
    }

    private void checkOwner() {
        metrics.awaitStored(this::interrupted);
        Database.whenThere(() -> runs.queue().own(lease.lease()), this::interrupted);
    }

    private Checkpoint fact(String checkpoint) {
        return Database.whenThere(() -> runs.facts().checkpoint(checkpoint), this::interrupted)
                .orElseThrow(() -> new IllegalStateException("checkpoint " + checkpoint + " is not known"));
    }

    /** {@code pretrain-3f9c2a1b-000600}: stage, the beginning of the run's id, step. */
    static String checkpointId(TrainingRequest request, long step) {
        String stage = request.stage().label();
        String run = request.runId().toLowerCase(Locale.ROOT);
        String rest = run.startsWith(stage + "-") ? run.substring(stage.length() + 1) : run;
        String digits = rest.replaceAll("[^a-z0-9]", "");
        return "%s-%s-%06d".formatted(stage, digits.substring(0, Math.min(SHORT_ID, digits.length())), step);
    }
}

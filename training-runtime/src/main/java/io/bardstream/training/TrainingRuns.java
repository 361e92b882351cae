package io.bardstream.training;

import io.bardstream.checkpoint.CheckpointStore;
import io.bardstream.event.Dataset;
import io.bardstream.event.DatasetKind;
import io.bardstream.event.StepMetrics;
import io.bardstream.event.TokenizerPublished;
import io.bardstream.event.TrainingRequest;
import io.bardstream.service.BardstreamHome;
import io.bardstream.tokenizer.BpeTokenizer;
import io.smallrye.reactive.messaging.kafka.Record;
import jakarta.enterprise.context.ApplicationScoped;
import java.io.IOException;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.eclipse.microprofile.reactive.messaging.Channel;
import org.eclipse.microprofile.reactive.messaging.Emitter;
import org.eclipse.microprofile.reactive.messaging.OnOverflow;

/** Opens runs, with all that a {@link TrainingRun} works with. */
@ApplicationScoped
public class TrainingRuns {
    private final RunQueue queue;
    private final Facts facts;
    private final TokenFiles tokens;
    private final PreferenceDatasets preferences;
    private final LogReader log;
    private final Announcements announcements;
    private final Emitter<Record<String, StepMetrics>> metrics;
    private final CheckpointStore store;
    private final CodeVersion code;
    private final TrainingMetrics gauges;

    TrainingRuns(
            RunQueue queue,
            Facts facts,
            TokenFiles tokens,
            PreferenceDatasets preferences,
            LogReader log,
            Announcements announcements,
            @Channel("run-metrics") @OnOverflow(OnOverflow.Strategy.UNBOUNDED_BUFFER)
                    Emitter<Record<String, StepMetrics>> metrics,
            BardstreamHome home,
            CodeVersion code,
            TrainingMetrics gauges)
            throws IOException {
        this.queue = queue;
        this.facts = facts;
        this.tokens = tokens;
        this.preferences = preferences;
        this.log = log;
        this.announcements = announcements;
        this.metrics = metrics;
        this.store = new CheckpointStore(home.checkpoints());
        this.code = code;
        this.gauges = gauges;
    }

    MetricsLog metricsLog(Lease lease) {
        return new MetricsLog(
                lease.run(),
                some -> queue.measured(lease, some),
                measured -> metrics.send(Record.of(measured.runId(), measured)));
    }

    /**
     * Opens a run. A replay takes tokenizer and manifest from the log and not from the tables made of it.
     *
     * @throws DatasetException where the log has not what a replay or a cut dataset is made of
     */
    TrainingRun open(Run run, LeaseKeeper lease, MetricsLog metricsLog, BooleanSupplier shutdown)
            throws IOException, InterruptedException {
        TrainingRequest request = run.trainingRequest();
        BooleanSupplier interrupted = () -> shutdown.getAsBoolean() || lease.cancelled() || lease.lost();
        Dataset known = facts.dataset(run.dataset).orElseThrow(() -> missing("dataset", run.dataset));
        TokenizerPublished tokenizer =
                facts.tokenizer(known.tokenizer()).orElseThrow(() -> missing("tokenizer", known.tokenizer()));
        if (request.replayOf() != null) {
            log.checkManifest(known, interrupted);
            tokenizer = log.tokenizer(known, tokenizer, interrupted);
        }
        Dataset dataset = known.kind() == DatasetKind.PREFERENCE
                ? votes(request, known, tokenizer, interrupted)
                : blocks(request, known, tokenizer, interrupted);
        return new TrainingRun(request, dataset, tokenizer, run.startedAt, lease, metricsLog, shutdown, this);
    }

    private Dataset blocks(
            TrainingRequest request, Dataset known, TokenizerPublished tokenizer, BooleanSupplier interrupted)
            throws IOException, InterruptedException {
        return request.until() == null
                ? known
                : tokens.before(request.until(), known, BpeTokenizer.fromJson(tokenizer.json()), interrupted);
    }

    /** Cut short, or without some people's votes, it is another dataset of the same id, with its own sha256. */
    private Dataset votes(
            TrainingRequest request, Dataset known, TokenizerPublished tokenizer, BooleanSupplier interrupted)
            throws IOException, InterruptedException {
        if (request.until() == null && request.excludedAnnotators() == null) {
            return known;
        }
        long end = request.until() == null ? PreferenceDatasets.end(known) : request.until();
        return preferences.before(end, excluded(request), known.id(), tokenizer, interrupted);
    }

    private static List<String> excluded(TrainingRequest request) {
        return request.excludedAnnotators() == null ? List.of() : request.excludedAnnotators();
    }

    /** The pairs of a run's dataset, read from the log. */
    List<JudgedPair> pairs(TrainingRequest request, Dataset dataset, BooleanSupplier interrupted)
            throws IOException, InterruptedException {
        return preferences.read(dataset, excluded(request), interrupted);
    }

    private static IllegalStateException missing(String kind, String id) {
        return new IllegalStateException("The " + kind + " '" + id + "' is not known");
    }

    RunQueue queue() {
        return queue;
    }

    Facts facts() {
        return facts;
    }

    TokenFiles tokens() {
        return tokens;
    }

    Announcements announcements() {
        return announcements;
    }

    TrainingMetrics gauges() {
        return gauges;
    }

    CheckpointStore store() {
        return store;
    }

    String codeVersion() {
        return code.text();
    }
}

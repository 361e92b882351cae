package io.bardstream.trainer;

import static io.bardstream.trainer.TrainerProcess.SOON;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.bardstream.embedded.EmbeddedServices;
import io.bardstream.embedded.PackagedService;
import io.bardstream.event.Dataset;
import io.bardstream.event.StepMetrics;
import io.bardstream.training.PublishedCorpus;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A trainer that is asked to end while it trains, and while somebody follows, ends by itself and loses no step. */
class EndedTrainerIT {
    /** In order, or by the signal after that; a process that took too long is halted with 1. */
    private static final Set<Integer> IN_ORDER = Set.of(0, 143);

    private static final int NEVER = 1_000_000;

    @TempDir
    private Path folder;

    private final HttpClient http = HttpClient.newHttpClient();
    private PublishedCorpus corpus;
    private TrainerProcess trainer;
    private Dataset dataset;
    private String run;

    @BeforeEach
    void corpus() throws IOException {
        trainer = start();
        corpus = new PublishedCorpus(
                new EmbeddedServices().start().get("kafka.bootstrap.servers"), SmallRun.SONNET, SmallRun.VOCABULARY);
        dataset = corpus.publish(100);
        trainer.awaitReady();
    }

    /** Others train on the same broker and database, and would go on with this run. */
    @AfterEach
    void close() throws IOException, InterruptedException {
        if (run != null) {
            trainer.close();
            trainer = start();
            trainer.awaitReady();
            trainer.cancel(run);
        }
        trainer.close();
        corpus.close();
    }

    @Test
    void endsInOrderWhateverEndsItAndSavesTheStepItWasAt() throws Exception {
        // Given a run that saves nothing for a long time but where it is ended
        run = trainer.submit(SmallRun.of(
                dataset,
                "adamw",
                "float32",
                Map.of("steps", NEVER, "evaluation_interval", NEVER, "checkpoint_interval", NEVER, "threads", 1)));

        // When, Then
        long saved = endedWhileFollowed(0, TrainerProcess::end);
        trainer = start();
        trainer.awaitReady();
        assertThat(endedWhileFollowed(saved, TrainerProcess::endByParent)).isGreaterThan(saved);
    }

    /** What ends a trainer, and its exit code. */
    private interface Ending {
        int of(TrainerProcess trainer) throws IOException, InterruptedException;
    }

    /** Lets it train some steps and ends it; returns the step that it saved. */
    private long endedWhileFollowed(long from, Ending ending) throws Exception {
        CompletableFuture<HttpResponse<Stream<String>>> followed = http.sendAsync(
                HttpRequest.newBuilder(trainer.follow(run))
                        .header("Accept", "text/event-stream")
                        .build(),
                BodyHandlers.ofLines());
        await().atMost(SOON).until(() -> newestStep() > from);
        long seen = newestStep();

        int exitCode = ending.of(trainer);

        followed.join().body().forEach(line -> {});
        assertThat(exitCode).isIn(IN_ORDER);
        assertThat(trainer.log()).doesNotContain("Timed out waiting for graceful shutdown");
        long saved = SmallRun.newestStep(folder, run);
        assertThat(saved).isGreaterThanOrEqualTo(seen);
        return saved;
    }

    private long newestStep() {
        return trainer.metrics(run).stream().mapToLong(StepMetrics::step).max().orElse(0);
    }

    private TrainerProcess start() throws IOException {
        return TrainerProcess.start(folder, PackagedService.log(this, ""), Map.of());
    }
}

package io.bardstream.trainer;

import static io.bardstream.trainer.TrainerProcess.SOON;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.bardstream.embedded.Broker;
import io.bardstream.embedded.EmbeddedServices;
import io.bardstream.embedded.PackagedService;
import io.bardstream.event.Dataset;
import io.bardstream.event.Topics;
import io.bardstream.event.TrainingRequest;
import io.bardstream.trainer.SmallRun.Outcome;
import io.bardstream.training.PublishedCorpus;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two trainers on one home and one database: a run is one's own, until that one gives no sign of life for the length of a lease. */
class PausedTrainerIT {
    @TempDir
    private Path folder;

    private String kafka;
    private PublishedCorpus corpus;
    private Dataset dataset;
    private TrainerProcess one;
    private TrainerProcess other;

    @BeforeEach
    void twoTrainers() throws IOException {
        kafka = new EmbeddedServices().start().get("kafka.bootstrap.servers");
        one = start("-one");
        other = start("-other");
        corpus = new PublishedCorpus(kafka, SmallRun.SONNET, SmallRun.VOCABULARY);
        dataset = corpus.publish(100);
        one.awaitReady();
        other.awaitReady();
    }

    @AfterEach
    void close() throws InterruptedException {
        one.close();
        other.close();
        corpus.close();
    }

    @Test
    void oneThatWakesUpLateLeavesTheRunToItsNewOwner() throws Exception {
        // Given a run as it ends when nobody disturbs it, asked for twice, which either may train
        String undisturbed = one.submit(SmallRun.of(dataset, "adamw", "float32", Map.of("steps", 60, "threads", 1)));
        one.awaitStatus(undisturbed, "succeeded");
        Outcome expected = Outcome.of(one, folder, undisturbed);
        String run = "twice-" + undisturbed;
        for (int times = 0; times < 2; times++) {
            ask(run, undisturbed);
        }

        // When its owner is paused while it writes a checkpoint
        await().atMost(SOON)
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(1))
                .until(() -> !SmallRun.temporaries(folder, run).isEmpty());
        TrainerProcess owner = trained(run, one) ? one : other;
        TrainerProcess heir = owner == one ? other : one;
        assertThat(trained(run, heir)).isFalse();
        owner.pause();

        // Then the other takes the run over when the lease is over, not before
        await().atMost(SOON).until(() -> trained(run, heir));

        // When the first wakes up, then it notices, and the run ends as if nothing had been
        owner.wake();
        await().atMost(SOON).until(() -> owner.log().contains("run " + run + " was taken over by another worker"));
        heir.awaitStatus(run, "succeeded");
        assertThat(Outcome.of(heir, folder, run)).isEqualTo(expected);
        assertThat(SmallRun.temporaries(folder, run)).isEmpty();
        assertThat(Stream.of(one, other)
                        .flatMap(trainer -> trainer.log().lines())
                        .filter(line -> line.contains("Training " + run)))
                .hasSize(2);

        // And it trains what is asked for next
        heir.pause();
        String next = owner.submit(SmallRun.of(dataset, "adamw", "float32", Map.of("steps", 2, "threads", 1)));
        owner.awaitStatus(next, "succeeded");
    }

    private void ask(String run, String like) {
        TrainingRequest request = new Broker(kafka)
                .read(Topics.TRAINING_REQUESTS).stream()
                        .filter(each -> each.runId().equals(like))
                        .findFirst()
                        .orElseThrow();
        corpus.send(
                Topics.TRAINING_REQUESTS.name(),
                run,
                new TrainingRequest(
                        run,
                        request.stage(),
                        request.dataset(),
                        request.preset(),
                        null,
                        null,
                        request.hyperparameters(),
                        request.seed(),
                        null,
                        "test",
                        Instant.now()));
    }

    private static boolean trained(String run, TrainerProcess trainer) {
        return trainer.log().contains("Training " + run);
    }

    private TrainerProcess start(String log) throws IOException {
        return TrainerProcess.start(
                folder,
                PackagedService.log(this, log),
                Map.of("bardstream.training.lease", "3S", "bardstream.training.renewal", "500MS"));
    }
}

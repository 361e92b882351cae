package io.bardstream.trainer;

import static io.bardstream.trainer.TrainerProcess.SOON;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.bardstream.embedded.EmbeddedServices;
import io.bardstream.embedded.PackagedService;
import io.bardstream.event.Dataset;
import io.bardstream.trainer.SmallRun.Outcome;
import io.bardstream.training.PublishedCorpus;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import org.jboss.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A trainer that is killed, at random moments and while it writes a checkpoint, ends its runs with the bits they would
 * have had. The moments follow from a seed that is logged; {@code -Dbardstream.test.seed=N} draws the same again.
 */
class KilledTrainerIT {
    private static final Logger LOG = Logger.getLogger(KilledTrainerIT.class);
    private static final Duration LATEST = Duration.ofSeconds(3);
    private static final Duration LATEST_IN_A_WRITE = Duration.ofMillis(20);

    @TempDir
    private Path folder;

    private final long seed = Long.getLong("bardstream.test.seed", System.nanoTime());
    private final Random random = new Random(seed);

    private PublishedCorpus corpus;
    private Dataset dataset;
    private TrainerProcess trainer;

    @BeforeEach
    void corpus() throws IOException {
        LOG.infof("Seed %d", seed);
        trainer = start(2);
        corpus = new PublishedCorpus(
                new EmbeddedServices().start().get("kafka.bootstrap.servers"), SmallRun.SONNET, SmallRun.VOCABULARY);
        dataset = corpus.publish(100);
        trainer.awaitReady();
    }

    @AfterEach
    void close() throws InterruptedException {
        trainer.close();
        corpus.close();
    }

    @Test
    void runsEndWithTheBitsTheyWouldHaveHad() throws Exception {
        killed(2, 40, "adamw", "float32", 1);
        killed(2, 40, "muon", "bfloat16", 2);
    }

    @Test
    @Tag("acceptance")
    void longerRunsOfEveryKindEndWithTheBitsTheyWouldHaveHad() throws Exception {
        for (String optimizer : List.of("adamw", "muon")) {
            killed(20, 400, optimizer, "float32", 2);
            killed(20, 400, optimizer, "bfloat16", 2);
        }
    }

    /** Every other kill comes while a checkpoint is written. */
    private void killed(int most, int steps, String optimizer, String dtype, int threads) throws Exception {
        // Given a run that nobody disturbs
        Map<String, Object> request =
                SmallRun.of(dataset, optimizer, dtype, Map.of("steps", steps, "threads", threads));
        Outcome expected = outcome(trainer.submit(request));

        // When the same is trained by a trainer that is killed again and again, and started with other numbers of
        // threads
        String run = trainer.submit(request);
        int kills = 0;
        int cutShort = 0;
        while (kills < most && !SmallRun.hasStep(folder, run, steps)) {
            if (kills % 2 == 0) {
                pauseInAWrite(run, steps);
            } else {
                LockSupport.parkNanos(random.nextLong(LATEST.toNanos()));
            }
            trainer.kill();
            int halves = SmallRun.temporaries(folder, run).size();
            LOG.infof("Kill %d of %s %s, %d half written", ++kills, optimizer, dtype, halves);
            cutShort += halves;
            trainer = start(1 + random.nextInt(3));
            trainer.awaitReady();
        }

        // Then it ends with the same checkpoints and the same measurements, and nothing half written is left
        assertThat(outcome(run)).as("seed %d", seed).isEqualTo(expected);
        assertThat(kills).isGreaterThanOrEqualTo(2);
        assertThat(cutShort).as("checkpoints cut short").isPositive();
        assertThat(SmallRun.temporaries(folder, run)).isEmpty();
    }

    private Outcome outcome(String run) throws IOException {
        trainer.awaitStatus(run, "succeeded");
        return Outcome.of(trainer, folder, run);
    }

    /**
     * Stops the trainer between the first and the last byte of a checkpoint, or when the run is over. How long a write
     * takes depends on the machine, so a pause that came too late is lifted, and the next write is awaited with less
     * delay.
     */
    private void pauseInAWrite(String run, int steps) throws IOException, InterruptedException {
        long latest = LATEST_IN_A_WRITE.toNanos();
        while (!SmallRun.hasStep(folder, run, steps)) {
            awaitWriting(run, steps);
            LockSupport.parkNanos(random.nextLong(latest));
            latest = latest / 4 + 1;
            trainer.pause();
            if (!SmallRun.temporaries(folder, run).isEmpty()) {
                return;
            }
            trainer.wake();
        }
    }

    private void awaitWriting(String run, int steps) {
        await().atMost(SOON)
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(1))
                .until(() -> !SmallRun.temporaries(folder, run).isEmpty() || SmallRun.hasStep(folder, run, steps));
    }

    private TrainerProcess start(int threads) throws IOException {
        return TrainerProcess.start(
                folder, PackagedService.log(this, ""), Map.of("bardstream.threads", Integer.toString(threads)));
    }
}

package io.bardstream.trainer;

import static io.bardstream.trainer.TrainerProcess.SOON;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.bardstream.checkpoint.CheckpointStore;
import io.bardstream.embedded.Broker;
import io.bardstream.embedded.EmbeddedServices;
import io.bardstream.embedded.PackagedService;
import io.bardstream.event.Checkpoint;
import io.bardstream.event.Dataset;
import io.bardstream.event.Topics;
import io.bardstream.trainer.SmallRun.Outcome;
import io.bardstream.training.PublishedCorpus;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A checkpoint store on a disk with room for two checkpoints: the run waits, says so, and loses nothing, not even to a kill. */
class FullDiskIT {
    @TempDir
    private Path folder;

    private String kafka;
    private PublishedCorpus corpus;
    private Dataset dataset;
    private TrainerProcess trainer;
    private Path small;

    @BeforeEach
    void mount() throws Exception {
        small = Files.createDirectories(folder.resolve("small"));
        Process mount = new ProcessBuilder("mount", "-t", "tmpfs", "-o", "size=26m", "none", checkpoints())
                .redirectErrorStream(true)
                .start();
        String said = new String(mount.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assumeTrue(mount.waitFor() == 0, () -> "a small disk cannot be mounted here, which takes root: " + said);
        kafka = new EmbeddedServices().start().get("kafka.bootstrap.servers");
        trainer = start(small);
        corpus = new PublishedCorpus(kafka, SmallRun.SONNET, SmallRun.VOCABULARY);
        dataset = corpus.publish(100);
        trainer.awaitReady();
    }

    @AfterEach
    void unmount() throws Exception {
        if (trainer != null) {
            trainer.close();
            corpus.close();
            assertThat(run("umount", checkpoints())).isZero();
        }
    }

    @Test
    void aRunWaitsForRoomAndEndsAsIfThereHadBeenSome() throws Exception {
        // When a run has no room for its next checkpoint
        String run = trainer.submit(SmallRun.of(dataset, "adamw", "float32", Map.of("steps", 40, "threads", 1)));
        await().atMost(SOON).until(() -> trainer.run(run).getString("error") != null);

        // Then it says so, and what is announced is on the disk, whole
        assertThat(trainer.run(run).getString("status")).isEqualTo("running");
        assertThat(trainer.run(run).getString("error")).contains("No space left on device");
        CheckpointStore store = new CheckpointStore(small.resolve("checkpoints"));
        List<Checkpoint> announced = announced(run);
        assertThat(announced).isNotEmpty().allSatisfy(checkpoint -> assertThat(
                        store.verify(checkpoint.path(), checkpoint.sha256()))
                .isDirectory());
        assertThat(announced).allMatch(checkpoint -> checkpoint.step() < 40);

        // When it is killed while it waits, then it waits again
        trainer.kill();
        trainer = start(small);
        trainer.awaitReady();
        await().atMost(SOON).until(() -> trainer.log().split("and the run waits").length == 3);

        // When there is room, then it goes on by itself
        assertThat(run("mount", "-o", "remount,size=256m", checkpoints())).isZero();
        trainer.awaitStatus(run, "succeeded");
        assertThat(trainer.run(run).getString("error")).isNull();

        // And it is the run that it would have been
        String undisturbed =
                trainer.submit(SmallRun.of(dataset, "adamw", "float32", Map.of("steps", 40, "threads", 1)));
        trainer.awaitStatus(undisturbed, "succeeded");
        assertThat(Outcome.of(trainer, small, run)).isEqualTo(Outcome.of(trainer, small, undisturbed));
    }

    private List<Checkpoint> announced(String run) {
        return new Broker(kafka)
                .read(Topics.CHECKPOINTS).stream()
                        .filter(checkpoint -> checkpoint.runId().equals(run))
                        .toList();
    }

    private String checkpoints() throws IOException {
        return Files.createDirectories(small.resolve("checkpoints")).toString();
    }

    private static int run(String... command) throws IOException, InterruptedException {
        return new ProcessBuilder(command).start().waitFor();
    }

    private TrainerProcess start(Path home) throws IOException {
        return TrainerProcess.start(home, PackagedService.log(this, ""), Map.of());
    }
}

package io.bardstream.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.bardstream.checkpoint.CheckpointStore;
import io.bardstream.embedded.Broker;
import io.bardstream.embedded.EmbeddedServices;
import io.bardstream.event.Checkpoint;
import io.bardstream.event.Dataset;
import io.bardstream.event.Stage;
import io.bardstream.event.Topics;
import io.bardstream.event.TrainingRequest;
import io.bardstream.service.BardstreamHome;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** One run is one worker's own, and whoever takes it over goes on where the last one left off. */
@QuarkusTest
@WithTestResource(EmbeddedServices.class)
class LeaseTest {
    private static final String TEXT = "Rough winds do shake the darling buds of May. ".repeat(30);
    private static final Duration SOON = Duration.ofMinutes(2);

    @Inject
    RunQueue queue;

    @Inject
    RunWorker worker;

    @Inject
    BardstreamHome home;

    @ConfigProperty(name = "kafka.bootstrap.servers")
    String kafka;

    private PublishedCorpus corpus;
    private Dataset dataset;

    @BeforeEach
    void aRunBeforeItsSeventhStep() {
        corpus = new PublishedCorpus(kafka, TEXT, 280);
        CountingStage.close();
        CountingStage.GATE.release(6);
        dataset = corpus.publish(100);
        await().atMost(SOON).until(() -> queue.all().stream().anyMatch(run -> mine(run) && run.step == 6));
    }

    @AfterEach
    void close() {
        CountingStage.open();
        await().atMost(SOON).until(() -> queue.all().stream().allMatch(run -> run.status.ended()));
        corpus.close();
    }

    @Test
    void aHeldLeaseIsNotTakenAnOverdueOneIs() {
        // Given a run with a living owner, whose lease has been renewed since it began
        Run run = run();
        Instant until = run.leaseUntil;
        await().atMost(SOON).until(() -> run().leaseUntil.isAfter(until));

        // When another asks for it, then it gets nothing
        assertThat(queue.waiting()).noneMatch(this::mine);
        assertThat(queue.claim(run.id, "another")).isEmpty();

        // When the lease is over, then it gets it, with a greater number
        expire(run.id);
        Lease taken = queue.claim(run.id, "another").orElseThrow();
        assertThat(taken.fence()).isEqualTo(run.fence + 1);
        queue.release(taken);
    }

    @Test
    void theLeaseOfAProcessKilledOnThisMachineIsNotWaitedFor() throws Exception {
        // Given a run whose owner's lease has an hour to go, on this machine
        Run run = run();
        WorkerProcess self = WorkerProcess.current();
        Process child = new ProcessBuilder("sleep", "600").start();
        WorkerProcess killed =
                new WorkerProcess(self.boot(), self.namespace(), child.pid(), startOf(child.pid()), "killed");
        QuarkusTransaction.requiringNew()
                .run(() -> Run.update(
                        "leaseOwner = ?1, leaseUntil = ?2, fence = fence + 1 where id = ?3",
                        killed.toString(),
                        Instant.now().plus(Duration.ofHours(1)),
                        run.id));
        CountingStage.open();
        assertThat(queue.claim(run.id, "another")).isEmpty();

        // When the owner is killed, then another goes on at once
        child.destroyForcibly().waitFor();
        await().atMost(SOON).until(() -> run().status == RunStatus.SUCCEEDED);
    }

    private static long startOf(long pid) throws IOException {
        String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
        return Long.parseLong(stat.substring(stat.lastIndexOf(')') + 2).split(" ")[19]);
    }

    @Test
    void oneWhoWakesUpLateWritesNothingAndTheRunEndsAsIfNothingHadBeen() throws Exception {
        // Given the weights of a run of the same dataset that nobody disturbed
        Run run = run();
        CheckpointStore store = new CheckpointStore(home.checkpoints());

        // When another process took the run over while its owner slept, and died; and then the owner goes on
        expire(run.id);
        Lease another = queue.claim(run.id, "another").orElseThrow();
        Lease old = new Lease(run.id, run.leaseOwner, run.fence);
        CountingStage.GATE.release(1);

        // Then the old number cannot renew, measure, save or end the run
        assertThatThrownBy(() -> queue.renew(old)).isInstanceOf(LeaseLostException.class);
        assertThatThrownBy(() -> queue.measured(old, List.of())).isInstanceOf(LeaseLostException.class);
        assertThatThrownBy(() -> queue.saved(old, new StoredCheckpoint())).isInstanceOf(LeaseLostException.class);
        assertThatThrownBy(() -> queue.finish(old, RunStatus.SUCCEEDED, null)).isInstanceOf(LeaseLostException.class);
        assertThat(run().status).isEqualTo(RunStatus.RUNNING);
        assertThat(run().fence).isEqualTo(another.fence());

        // And when the other's lease is over too, the run goes on from its last checkpoint and ends with the same
        // weights
        CountingStage.open();
        await().atMost(SOON).until(() -> run().status == RunStatus.SUCCEEDED);
        assertThat(run().fence).isGreaterThan(another.fence());
        Path best = store.root().resolve(run.id).resolve(run().checkpoint);
        assertThat(CheckpointStore.sha256(best)).isEqualTo(sha256OfAnUndisturbedRun(store));
    }

    @Test
    void aStoppedServiceGivesTheRunBackAndTheNextGoesOnAtOnce() throws Exception {
        // Given a run under way
        CheckpointStore store = new CheckpointStore(home.checkpoints());

        // When the service stops
        worker.stop();

        // Then the run waits with nobody's lease at the step it was at
        assertThat(run().status).isEqualTo(RunStatus.RUNNING);
        assertThat(run().leaseUntil).isNull();
        assertThat(ResumePoint.find(store, run().id).orElseThrow().step()).isLessThanOrEqualTo(6);

        // When it starts again, then the run ends with the weights it would have had
        CountingStage.open();
        worker.start();
        await().atMost(SOON).until(() -> run().status == RunStatus.SUCCEEDED);
        Path best = store.root().resolve(run().id).resolve(run().checkpoint);
        assertThat(CheckpointStore.sha256(best)).isEqualTo(sha256OfAnUndisturbedRun(store));
        assertThat(new Broker(kafka)
                        .read(Topics.CHECKPOINTS).stream()
                                .filter(checkpoint -> checkpoint.runId().equals(run().id))
                                .map(Checkpoint::step)
                                .distinct())
                .containsExactly(5L, 10L, 15L, 20L);
    }

    /** The same dataset, trained again from the beginning under another id. */
    private String sha256OfAnUndisturbedRun(CheckpointStore store) {
        CountingStage.open();
        String id = "undisturbed-" + dataset.id();
        queue.submit(new TrainingRequest(
                id,
                Stage.PRETRAIN,
                dataset.id(),
                "tiny",
                null,
                null,
                run().trainingRequest().hyperparameters(),
                1337,
                null,
                "test",
                Instant.now()));
        worker.wake();
        await().atMost(SOON)
                .until(() -> QuarkusTransaction.requiringNew()
                                .call(() -> queue.find(id).orElseThrow())
                                .status
                        == RunStatus.SUCCEEDED);
        Run undisturbed =
                QuarkusTransaction.requiringNew().call(() -> queue.find(id).orElseThrow());
        try {
            return CheckpointStore.sha256(store.root().resolve(id).resolve(undisturbed.checkpoint));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private boolean mine(Run run) {
        return run.dataset.equals(dataset.id());
    }

    private Run run() {
        return queue.all().stream()
                .filter(run -> mine(run) && run.id.startsWith("pretrain-"))
                .findFirst()
                .orElseThrow();
    }

    private static void expire(String run) {
        QuarkusTransaction.requiringNew().run(() -> Run.update("leaseUntil = ?1 where id = ?2", Instant.EPOCH, run));
    }
}

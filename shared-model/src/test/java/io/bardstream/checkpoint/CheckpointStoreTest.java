package io.bardstream.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bardstream.checkpoint.CheckpointStore.Contents;
import io.bardstream.checkpoint.Retention.Candidate;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CheckpointStoreTest {
    @TempDir
    Path folder;

    private CheckpointStore store;

    @BeforeEach
    void openStore() throws IOException {
        store = new CheckpointStore(folder.resolve("checkpoints"));
    }

    @Test
    void aCheckpointIsWrittenVerifiedAndCarriesWhatWasPutIn() throws IOException {
        // When
        CheckpointFolder written = store.write("run", "run-000100", contents("weights"));

        // Then
        assertThat(written.path()).isEqualTo("run/run-000100");
        assertThat(store.verify(written.path(), written.sha256())).isEqualTo(written.directory());
        assertThat(names(written.directory()))
                .containsExactly(
                        "config.json", "metrics.json", "model.safetensors", "optimizer.safetensors", "run.json");
        assertThat(names(written.directory().getParent())).containsExactly("run-000100");
        assertThat(written.bytes())
                .isEqualTo(2 + 2 + "weights".length() + "state of weights".length() + "lineage".length());
    }

    /** {@code (cd FOLDER; ls | grep -v -e run.json -e optimizer.safetensors | xargs sha256sum | sha256sum)} */
    @Test
    void theSha256IsWhatSha256sumSays() throws IOException, InterruptedException {
        // Given
        CheckpointFolder written = store.write("run", "c", contents("weights"));

        // When
        Process shell = new ProcessBuilder(
                        "sh",
                        "-c",
                        "export LC_ALL=C; ls | grep -v -e run.json -e optimizer.safetensors | xargs sha256sum | sha256sum")
                .directory(written.directory().toFile())
                .start();
        String printed = new String(shell.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

        // Then
        assertThat(shell.waitFor()).isZero();
        assertThat(printed).startsWith(written.sha256() + " ");
    }

    @Test
    void lineageAndOptimizerAreOutsideTheHash() throws IOException {
        // Given
        CheckpointFolder written = store.write("run", "c", contents("weights"));

        // When
        Files.writeString(written.directory().resolve("run.json"), "another day");
        Files.delete(written.directory().resolve("optimizer.safetensors"));

        // Then
        assertThat(store.verify("run/c", written.sha256())).isEqualTo(written.directory());
    }

    @Test
    void everyDamageIsFound() throws IOException {
        // Given
        CheckpointFolder written = store.write("run", "c", contents("weights"));
        Path weights = written.directory().resolve("model.safetensors");

        // When, then
        Files.writeString(weights, "weighst");
        assertThatThrownBy(() -> store.verify("run/c", written.sha256()))
                .isInstanceOf(CorruptCheckpointException.class)
                .hasMessageContaining("run/c")
                .hasMessageContaining(written.sha256());
        Files.writeString(weights, "weights");
        assertThat(store.verify("run/c", written.sha256())).isNotNull();
        Files.move(weights, weights.resolveSibling("other.safetensors"));
        assertThatThrownBy(() -> store.verify("run/c", written.sha256()))
                .isInstanceOf(CorruptCheckpointException.class);
        Files.createSymbolicLink(weights, weights.resolveSibling("other.safetensors"));
        assertThatThrownBy(() -> store.verify("run/c", written.sha256())).hasMessageContaining("not a plain file");
        assertThatThrownBy(() -> store.verify("run/d", written.sha256())).isInstanceOf(NoSuchFileException.class);
    }

    @Test
    void aFailedWriteLeavesNothingBehind() throws IOException {
        // Given
        Contents full = temporary -> {
            Files.writeString(temporary.resolve("model.safetensors"), "half of it");
            throw new IOException("No space left on device");
        };
        Contents broken = temporary -> {
            Files.createDirectory(temporary.resolve("folder"));
            throw new IllegalStateException("not enough tensors");
        };

        // When, then
        assertThatThrownBy(() -> store.write("run", "c", full)).hasMessage("No space left on device");
        assertThatThrownBy(() -> store.write("run", "c", broken)).hasMessage("not enough tensors");
        assertThat(names(store.root().resolve("run"))).isEmpty();
    }

    @Test
    void aWriterThatHasLostItsRunWritesNothing() throws IOException {
        // Given
        CheckpointFolder before = store.write("run", "c", contents("first"));
        CheckpointStore.Fence lost = () -> {
            throw new IOException("the lease is another's");
        };

        // When, then
        assertThatThrownBy(() -> store.write("run", "c", lost, contents("second")))
                .hasMessage("the lease is another's");
        assertThat(store.verify("run/c", before.sha256())).isNotNull();
        assertThat(names(store.root().resolve("run"))).containsExactly("c");
    }

    @Test
    void theSameCheckpointAgainKeepsTheFolderAndRenewsWhatPruningRemoved() throws IOException {
        // Given
        CheckpointFolder first = store.write("run", "c", contents("weights"));
        Files.delete(first.directory().resolve("optimizer.safetensors"));
        Object inode = Files.getAttribute(first.directory().resolve("model.safetensors"), "unix:ino");

        // When
        CheckpointFolder again = store.write("run", "c", contents("weights"));

        // Then
        assertThat(again).isEqualTo(first);
        assertThat(Files.getAttribute(first.directory().resolve("model.safetensors"), "unix:ino"))
                .isEqualTo(inode);
        assertThat(first.directory().resolve("optimizer.safetensors")).hasContent("state of weights");
        assertThat(names(store.root().resolve("run"))).containsExactly("c");
    }

    @Test
    void anotherCheckpointOfTheSameNameTakesItsPlace() throws IOException {
        // Given
        CheckpointFolder first = store.write("run", "c", contents("weights"));

        // When
        CheckpointFolder second = store.write("run", "c", contents("other weights"));

        // Then
        assertThat(second.sha256()).isNotEqualTo(first.sha256());
        assertThat(store.verify("run/c", second.sha256()).resolve("model.safetensors"))
                .hasContent("other weights");
        assertThat(names(store.root().resolve("run"))).containsExactly("c");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "c",
                "run",
                "run/",
                "/run/c",
                "/etc/passwd",
                "../c",
                "run/..",
                "run/.",
                "run/../c",
                "../../etc/passwd",
                "run/c/d",
                "run//../c",
                "run\\..\\c",
                ".tmp-x/c",
                "run/.tmp-c",
                "run/c\u0000",
                "run/c\n",
                "~/c",
                "run/ä"
            })
    void noPathLeadsOutOfTheStore(String path) {
        assertThatThrownBy(() -> store.resolve(path)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aSymbolicLinkIsNoWayOutEither() throws IOException {
        // Given
        Path outside = Files.createDirectories(folder.resolve("outside").resolve("c"));
        Files.createSymbolicLink(store.root().resolve("run"), outside.getParent());
        Files.createDirectory(store.root().resolve("other"));
        Files.createSymbolicLink(store.root().resolve("other").resolve("c"), outside);

        // When, then
        assertThatThrownBy(() -> store.resolve("run/c")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> store.resolve("other/c")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> store.write("run", "d", contents("x"))).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void pruningFollowsTheRuleAndTouchesNothingElse() throws IOException {
        // Given
        for (String id : List.of("c1", "c2", "c3", "c4", "unknown")) {
            store.write("run", id, contents("weights of " + id));
        }
        CheckpointFolder other = store.write("other", "c1", contents("weights"));
        List<Candidate> known = List.of(
                new Candidate("c1", 1, 3.0, true),
                new Candidate("c2", 2, 2.0, false),
                new Candidate("c3", 3, 2.5, false),
                new Candidate("c4", 4, 2.5, false));

        // When
        List<String> removed = store.prune("run", known);

        // Then
        assertThat(removed).containsExactly("c3");
        assertThat(names(store.root().resolve("run"))).containsExactly("c1", "c2", "c4", "unknown");
        assertThat(withOptimizer()).containsExactlyInAnyOrder("run/c4", "run/unknown", "other/c1");
        assertThat(store.verify("other/c1", other.sha256())).isNotNull();
        assertThat(store.prune("run", known)).as("the second time").isEmpty();
    }

    @Test
    void aWriterThatWasPausedAfterItsFenceFindsNothingToRename() throws IOException {
        // Given a checkpoint, and a writer of another in its place that lost its run after its fence said yes
        CheckpointFolder before = store.write("run", "c1", contents("first"));
        CheckpointStore.Fence paused = () -> store.takeOver("run");

        // When, then
        assertThatThrownBy(() -> store.write("run", "c1", paused, contents("second")))
                .isInstanceOf(NoSuchFileException.class);
        assertThatThrownBy(() -> store.write("run", "c2", paused, contents("second")))
                .isInstanceOf(NoSuchFileException.class);
        assertThat(names(store.root().resolve("run"))).containsExactly("c1");
        assertThat(store.verify("run/c1", before.sha256())).isNotNull();
    }

    @Test
    void temporariesOfTheDeadAreRemovedAndThoseOfTheLivingStay() throws IOException {
        // Given: one whose writer was killed, one cut short while being removed, one just begun, one begun long ago
        Path run = Files.createDirectories(store.root().resolve("run"));
        Path killed = Files.createDirectory(run.resolve(".tmp-c1-x"));
        Files.createFile(killed.resolve(".lock"));
        Files.writeString(killed.resolve("model.safetensors"), "half of it");
        Files.createDirectory(run.resolve(".removed-c0-x"));
        Files.createDirectory(run.resolve(".tmp-c2-x"));
        Path old = Files.createDirectory(run.resolve(".tmp-c3-x"));
        Files.setLastModifiedTime(old, FileTime.from(Instant.now().minus(1, ChronoUnit.HOURS)));

        // When: asked while this process itself writes
        int[] removed = new int[1];
        store.write("run", "c4", temporary -> {
            removed[0] = store.removeAbandoned();
            contents("weights").writeInto(temporary);
        });

        // Then
        assertThat(removed[0]).isEqualTo(3);
        assertThat(names(run)).containsExactly(".tmp-c2-x", "c4");
    }

    @Test
    void theTemporaryOfAnotherLivingProcessStays() throws IOException, InterruptedException {
        // Given
        Path temporary = Files.createDirectories(store.root().resolve("run").resolve(".tmp-c1-x"));
        Process other = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Holder.class.getName(),
                        temporary.resolve(".lock").toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try {
            assertThat(other.getInputStream().read())
                    .as("says that it holds the lock")
                    .isEqualTo('.');

            // When, then
            assertThat(store.removeAbandoned()).isZero();
            other.destroyForcibly();
            assertThat(other.waitFor(30, TimeUnit.SECONDS)).isTrue();
            assertThat(store.removeAbandoned()).isEqualTo(1);
        } finally {
            other.destroyForcibly();
        }
    }

    /** Another process that is writing a checkpoint. */
    static final class Holder {
        public static void main(String[] args) throws IOException {
            try (FileChannel lock =
                    FileChannel.open(Path.of(args[0]), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
                lock.lock();
                System.out.write('.');
                System.out.flush();
                System.in.read();
            }
        }
    }

    private static Contents contents(String weights) {
        return temporary -> {
            Files.writeString(temporary.resolve("model.safetensors"), weights);
            Files.writeString(temporary.resolve("config.json"), "{}");
            Files.writeString(temporary.resolve("metrics.json"), "{}");
            Files.writeString(temporary.resolve("run.json"), "lineage");
            Files.writeString(temporary.resolve("optimizer.safetensors"), "state of " + weights);
        };
    }

    private List<String> withOptimizer() throws IOException {
        try (Stream<Path> all = Files.walk(store.root())) {
            return all.filter(file -> file.endsWith("optimizer.safetensors"))
                    .map(file -> store.root().relativize(file.getParent()).toString())
                    .toList();
        }
    }

    private static List<String> names(Path directory) {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

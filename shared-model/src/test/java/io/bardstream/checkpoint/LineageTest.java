package io.bardstream.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bardstream.event.Dataset;
import io.bardstream.event.DatasetKind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code run.json} and {@code metrics.json}. */
class LineageTest {
    private static final String SHA = "0123456789abcdef".repeat(4);

    @TempDir
    Path folder;

    @Test
    void lineageIsReadBackAsWritten() throws IOException {
        // Given
        Dataset dataset = new Dataset(
                "shakespeare",
                DatasetKind.PRETRAIN,
                SHA,
                "bpe",
                SHA,
                1024,
                List.of(new Dataset.Split(
                        "train", 10, 20, 1, SHA, List.of(new Dataset.Range("token-batches", 2, 3, 4)))),
                Instant.EPOCH);
        Lineage lineage = new Lineage(
                "pretrain-3f9c2a1b-000600",
                600,
                null,
                dataset,
                null,
                new Lineage.Engine("bfloat16", 2, "cpu", "libtorch 2.7.1", SHA, "avx512"),
                "0.1.0+0123456789ab",
                List.of(),
                Instant.EPOCH,
                Instant.EPOCH.plusSeconds(60),
                new Lineage.Imported("gpt2", new TreeMap<>(Map.of("config.json", SHA))));

        // When
        lineage.write(folder);

        // Then
        assertThat(Lineage.read(folder)).isEqualTo(lineage);
        assertThat(folder.resolve("run.json")).content().contains("\"library_sha256\" : \"" + SHA + "\"");
    }

    @Test
    void aRunThatWasMovedRemembersWhatComputedItsEarlierSteps() {
        // Given
        Lineage.Engine two = new Lineage.Engine("bfloat16", 2, "cpu", "libtorch 2.7.1", SHA, "avx512");
        Lineage.Engine gpu = new Lineage.Engine("bfloat16", 2, "cuda:0", "libtorch 2.7.1", SHA, "avx512");
        Lineage first = lineage(10, two, "0.1.0+a", List.of());

        // When
        List<Lineage.Stretch> same = first.stretchesBefore(two, "0.1.0+a");
        List<Lineage.Stretch> moved = first.stretchesBefore(gpu, "0.1.0+a");
        List<Lineage.Stretch> upgraded = lineage(20, gpu, "0.1.0+a", moved).stretchesBefore(gpu, "0.1.0+b");

        // Then
        assertThat(same).isEmpty();
        assertThat(moved).containsExactly(new Lineage.Stretch(10, two, "0.1.0+a"));
        assertThat(upgraded)
                .containsExactly(new Lineage.Stretch(10, two, "0.1.0+a"), new Lineage.Stretch(20, gpu, "0.1.0+a"));
    }

    private static Lineage lineage(
            long step, Lineage.Engine engine, String codeVersion, List<Lineage.Stretch> earlier) {
        return new Lineage(
                "c", step, null, null, null, engine, codeVersion, earlier, Instant.EPOCH, Instant.EPOCH, null);
    }

    @Test
    void aLineageThatIsNoneIsRefused() throws IOException {
        Files.writeString(folder.resolve("run.json"), "{\"step\":\"many\"}");
        assertThatThrownBy(() -> Lineage.read(folder))
                .isInstanceOf(CorruptCheckpointException.class)
                .hasMessageContaining("run.json");
    }

    @Test
    void metricsAreTheSameTextInWhateverOrderTheyCome() throws IOException {
        // When
        new CheckpointMetrics(Map.of("validation_loss", 1.5, "bits_per_byte", 2.25)).write(folder);

        // Then
        assertThat(folder.resolve("metrics.json"))
                .hasContent("{\n  \"bits_per_byte\" : 2.25,\n  \"validation_loss\" : 1.5\n}\n");
        assertThat(CheckpointMetrics.read(folder).values())
                .containsEntry("bits_per_byte", 2.25)
                .hasSize(2);
    }

    @Test
    void aMetricThatIsNoNumberIsRefused() throws IOException {
        assertThatThrownBy(() -> new CheckpointMetrics(Map.of("loss", Double.NaN)))
                .hasMessageContaining("'loss' is NaN");
        for (String text : List.of("[]", "{\"loss\":\"low\"}", "{")) {
            Files.writeString(folder.resolve("metrics.json"), text);
            assertThatThrownBy(() -> CheckpointMetrics.read(folder)).isInstanceOf(CorruptCheckpointException.class);
        }
    }
}

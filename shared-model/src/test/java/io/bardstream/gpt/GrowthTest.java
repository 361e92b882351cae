package io.bardstream.gpt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import io.bardstream.checkpoint.HuggingFaceFormat;
import io.bardstream.checkpoint.ModelConfig;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.Precision;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A model loaded over a vocabulary that extends its own. */
class GrowthTest {
    private static final int GROWN = 20_050;
    private static final int WIDTH = 32;

    @TempDir
    Path folder;

    @Test
    void newRowsHaveMeanAndCovarianceOfTheOldAndNothingElseChanges() throws IOException {
        try (Compute compute = Compute.open(Precision.FLOAT32, 1);
                Gpt small = correlated(compute)) {
            store(small);
            try (Gpt grown = Gpt.load(folder, compute, GROWN, 7)) {
                float[] old = small.tokenEmbedding().master().toFloatArray();
                float[] all = grown.tokenEmbedding().master().toFloatArray();

                assertThat(grown.config().vocabularySize()).isEqualTo(GROWN);
                assertThat(Arrays.copyOf(all, old.length)).isEqualTo(old);
                float[] drawn = Arrays.copyOfRange(all, old.length, all.length); // 20,000 rows
                for (int[] pair : new int[][] {{0, 0}, {0, 1}, {5, 5}, {3, 30}}) {
                    double expected = covariance(old, pair[0], pair[1]);
                    double scale = Math.sqrt(covariance(old, pair[0], pair[0]) * covariance(old, pair[1], pair[1]));
                    assertThat(covariance(drawn, pair[0], pair[1]))
                            .as("covariance of %d and %d", pair[0], pair[1])
                            .isCloseTo(expected, within(0.05 * scale)); // five deviations of 20,000 draws
                    assertThat(mean(drawn, pair[0]))
                            .isCloseTo(mean(old, pair[0]), within(0.05 * Math.sqrt(covariance(old, pair[0], pair[0]))));
                }
                small.parameters().forEach((name, values) -> {
                    if (!name.endsWith("wte.weight")) {
                        assertThat(grown.parameters().get(name).toFloatArray())
                                .as(name)
                                .isEqualTo(values.toFloatArray());
                    }
                });
            }
        }
    }

    @Test
    void theSeedDecidesAndAnOwnVocabularyStays() throws IOException {
        try (Compute compute = Compute.open(Precision.BFLOAT16, 1);
                Gpt small = correlated(compute)) {
            store(small);
            assertThat(embedding(compute, 60, 7)).isEqualTo(embedding(compute, 60, 7));
            assertThat(embedding(compute, 60, 7)).isNotEqualTo(embedding(compute, 60, 8));
            assertThat(Arrays.copyOf(embedding(compute, 60, 7), 58 * WIDTH)).isEqualTo(embedding(compute, 58, 7));
            assertThat(embedding(compute, 0, 7))
                    .isEqualTo(small.tokenEmbedding().master().toFloatArray());
        }
    }

    private float[] embedding(Compute compute, int vocabulary, long seed) throws IOException {
        try (Gpt gpt = Gpt.load(folder, compute, vocabulary, seed)) {
            return gpt.tokenEmbedding().master().toFloatArray();
        }
    }

    /** Embeddings with a mean, and with channels that hang together. */
    private static Gpt correlated(Compute compute) {
        Gpt gpt = Gpt.initialise(Samples.SMALL, compute, 3);
        NDArray wte = gpt.tokenEmbedding().master();
        float[] values = wte.toFloatArray();
        for (int row = 0; row < values.length / WIDTH; row++) {
            values[row * WIDTH + 1] = values[row * WIDTH] * 2 + 0.3f;
            values[row * WIDTH + 30] -= values[row * WIDTH + 3];
        }
        try (var scope = compute.scope()) {
            compute.kernels().copy(wte, scope.create(values, wte.getShape()));
        }
        gpt.weights().refresh();
        return gpt;
    }

    private void store(Gpt gpt) throws IOException {
        GptConfig shape = gpt.config();
        Files.writeString(
                folder.resolve(HuggingFaceFormat.CONFIG),
                ModelConfig.of(
                                shape.vocabularySize(),
                                shape.contextLength(),
                                shape.width(),
                                shape.layers(),
                                shape.heads(),
                                0,
                                null)
                        .toJson());
        gpt.save(folder.resolve(HuggingFaceFormat.WEIGHTS));
    }

    private static double mean(float[] rows, int channel) {
        double sum = 0;
        for (int at = channel; at < rows.length; at += WIDTH) {
            sum += rows[at];
        }
        return sum / (rows.length / WIDTH);
    }

    private static double covariance(float[] rows, int a, int b) {
        double meanA = mean(rows, a);
        double meanB = mean(rows, b);
        double sum = 0;
        for (int row = 0; row < rows.length; row += WIDTH) {
            sum += (rows[row + a] - meanA) * (rows[row + b] - meanB);
        }
        return sum / (rows.length / WIDTH);
    }
}

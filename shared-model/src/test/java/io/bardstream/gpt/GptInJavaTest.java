package io.bardstream.gpt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.Precision;
import io.bardstream.train.Batch;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The reference by itself, and the engine's forward pass against it. */
class GptInJavaTest {
    private static final int PLACES = 12; // of each parameter, drawn at random

    @TempDir
    Path folder;

    @Test
    void itsGradientsAreTheSlopesOfItsLoss() {
        GptInJava formula = new GptInJava(Samples.SMALL, 7);
        Batch batch = weighted(Samples.batch(2, 9, 50, 1));
        Map<String, double[]> gradients = formula.gradients(batch);
        Random random = new Random(2);
        double step = 1e-4;

        gradients.forEach((name, gradient) -> {
            for (int i = 0; i < PLACES; i++) {
                int place = random.nextInt(gradient.length);
                double[] values = formula.parameter(name);
                double before = values[place];
                values[place] = before + step;
                double up = formula.loss(batch);
                values[place] = before - step;
                double down = formula.loss(batch);
                values[place] = before;

                assertThat(gradient[place])
                        .as("%s at %d", name, place)
                        .isCloseTo((up - down) / (2 * step), within(1e-6));
            }
        });
    }

    /** Shapes with one head, many heads, odd widths, and contexts longer than a tile of attention. */
    static Stream<GptConfig> shapes() {
        return Stream.of(
                Samples.SMALL,
                new GptConfig(1, 3, 9, 30, 7),
                new GptConfig(3, 1, 5, 17, 2),
                new GptConfig(2, 2, 8, 300, 11),
                new GptConfig(4, 4, 64, 32, 300));
    }

    @ParameterizedTest
    @MethodSource("shapes")
    void theEnginesLogitsAreThoseOfTheFormulas(GptConfig config) throws IOException {
        GptInJava formula = new GptInJava(config, 5);
        int length = config.contextLength();
        int[] tokens = new Random(3).ints(length, 0, config.vocabularySize()).toArray();
        double[][] expected = formula.logits(tokens);

        try (Compute compute = Compute.open(Precision.FLOAT32, 1);
                Gpt gpt = Gpt.load(formula.save(folder), compute);
                ForwardPass pass = ForwardPass.inference(compute)) {
            NDArray hidden = gpt.forward(Gpt.tokens(pass, 1, length, tokens), pass);
            float[] logits = gpt.logits(hidden).toFloatArray();

            for (int i = 0; i < logits.length; i++) {
                assertThat((double) logits[i])
                        .as("logit %d", i)
                        .isCloseTo(expected[i / config.vocabularySize()][i % config.vocabularySize()], within(1e-4));
            }
        }
    }

    private static Batch weighted(Batch batch) {
        float[] weights = new float[batch.tokens()];
        for (int i = 0; i < weights.length; i++) {
            weights[i] = i % 4;
        }
        return new Batch(batch.rows(), batch.length(), batch.inputs(), batch.targets(), weights);
    }
}

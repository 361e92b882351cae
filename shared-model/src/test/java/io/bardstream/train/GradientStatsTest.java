package io.bardstream.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import io.bardstream.gpt.Gpt;
import io.bardstream.gpt.Samples;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.Precision;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class GradientStatsTest {
    @Test
    void theRatioIsTheNormOfTheChangeOverTheNormOfTheWeights() {
        try (Compute compute = Compute.open(Precision.FLOAT32, 1);
                Gpt gpt = Gpt.initialise(Samples.SMALL, compute, 1)) {
            NDArray last = gpt.weights()
                    .get("transformer.h." + (Samples.SMALL.layers() - 1) + ".attn.c_proj.weight")
                    .master();
            try (GradientStats stats = GradientStats.before(gpt)) {
                // When the last layer's weights alone grow by a hundredth
                last.muli(1.01f);

                List<Double> ratios = stats.updateRatios();
                assertThat(ratios).hasSize(Samples.SMALL.layers());
                assertThat(ratios.subList(0, ratios.size() - 1))
                        .allSatisfy(ratio -> assertThat(ratio).isZero());
                assertThat(ratios.get(ratios.size() - 1)).isCloseTo(0.01, within(1e-5));
            }
        }
    }

    @Test
    void theActivationsScaleIsThatOfTheResidualStreamAfterEachBlock() {
        try (Compute compute = Compute.open(Precision.FLOAT32, 1);
                Gpt gpt = Gpt.initialise(Samples.SMALL, compute, 1)) {
            // Given blocks that add nothing but the bias of the last projection, which is 2 everywhere
            gpt.weights().all().stream()
                    .filter(parameter -> parameter.name().matches(".*(c_proj.weight|w[tp]e.weight)"))
                    .forEach(parameter -> parameter.master().muli(0));
            gpt.weights().all().stream()
                    .filter(parameter -> parameter.name().endsWith("mlp.c_proj.bias"))
                    .forEach(parameter -> parameter.master().addi(2));

            // Then the stream is 2 after the first, 4 after the second and so on
            List<Double> scales = GradientStats.activationScales(gpt, new NextToken(Samples.batch(2, 8, 50, 1)));
            assertThat(scales).hasSize(Samples.SMALL.layers());
            for (int layer = 0; layer < scales.size(); layer++) {
                assertThat(scales.get(layer)).isCloseTo(2.0 * (layer + 1), within(1e-5));
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void aMeasuredStepEndsWithTheSameBits(Precision precision) {
        assertThat(weightsAfterSteps(precision, true)).isEqualTo(weightsAfterSteps(precision, false));
    }

    /** All weights after three steps. */
    private static float[] weightsAfterSteps(Precision precision, boolean measured) {
        try (Compute compute = Compute.open(precision, 1);
                Gpt gpt = Gpt.initialise(Samples.SMALL, compute, 1);
                TrainStep training = new TrainStep(gpt, OptimizerSettings.adamw(), 0.1, 1)) {
            for (int step = 0; step < 3; step++) {
                Batch batch = Samples.batch(4, 16, 50, step);
                if (measured) {
                    try (GradientStats stats = GradientStats.before(gpt)) {
                        training.step(step, 1e-3, List.of(batch));
                        assertThat(stats.updateRatios())
                                .allSatisfy(ratio -> assertThat(ratio).isBetween(1e-3, 1.0));
                    }
                    assertThat(GradientStats.activationScales(gpt, new NextToken(batch)))
                            .hasSize(Samples.SMALL.layers());
                } else {
                    training.step(step, 1e-3, List.of(batch));
                }
            }
            return gpt.weights().masters().toFloatArray();
        }
    }
}

package io.bardstream.gpt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The trunk as a function: shapes, initialisation, causality, files. */
class GptTest {
    private static final int[] TOKENS = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8};

    @ParameterizedTest
    @EnumSource
    void noTokenSeesALaterOne(Precision precision) {
        try (Compute compute = Compute.open(precision, 1);
                Gpt gpt = Gpt.initialise(Samples.SMALL, compute, 7)) {
            int[] changed = TOKENS.clone();
            changed[9] = 40;
            changed[11] = 41;

            float[] before = logits(gpt, TOKENS);
            float[] after = logits(gpt, changed);

            int vocabulary = Samples.SMALL.vocabularySize();
            assertThat(Arrays.copyOf(after, 9 * vocabulary)).isEqualTo(Arrays.copyOf(before, 9 * vocabulary));
            assertThat(Arrays.copyOfRange(after, 9 * vocabulary, 10 * vocabulary))
                    .isNotEqualTo(Arrays.copyOfRange(before, 9 * vocabulary, 10 * vocabulary));
        }
    }

    @Test
    void aTokenSeesEveryEarlierOneAcrossTiles() {
        GptConfig config = new GptConfig(1, 2, 16, 300, 20);
        try (Compute compute = Compute.open(Precision.FLOAT32, 1);
                Gpt gpt = Gpt.initialise(config, compute, 7)) {
            int[] tokens = new int[300];
            int[] changed = new int[300];
            changed[0] = 1;

            float[] before = logits(gpt, tokens);
            float[] after = logits(gpt, changed);

            for (int t : new int[] {0, 127, 128, 255, 256, 299}) {
                assertThat(Arrays.copyOfRange(after, t * 20, t * 20 + 20))
                        .as("logits at %d", t)
                        .isNotEqualTo(Arrays.copyOfRange(before, t * 20, t * 20 + 20));
            }
        }
    }

    @Test
    void drawsWeightsAsGpt2Does() {
        GptConfig config = new GptConfig(8, 4, 64, 32, 500);
        try (Compute compute = Compute.open(Precision.FLOAT32, 1);
                Gpt gpt = Gpt.initialise(config, compute, 1);
                Gpt same = Gpt.initialise(config, compute, 1);
                Gpt other = Gpt.initialise(config, compute, 2)) {
            assertThat(deviation(gpt, "transformer.wte.weight")).isCloseTo(0.02, within(0.001));
            assertThat(deviation(gpt, "transformer.h.3.mlp.c_fc.weight")).isCloseTo(0.02, within(0.001));
            assertThat(deviation(gpt, "transformer.h.3.mlp.c_proj.weight")).isCloseTo(0.02 / 4, within(0.0003));
            assertThat(values(gpt, "transformer.h.0.ln_1.weight")).containsOnly(1f);
            assertThat(values(gpt, "transformer.h.0.attn.c_attn.bias")).containsOnly(0f);
            assertThat(values(gpt, "transformer.h.0.mlp.c_fc.weight"))
                    .isNotEqualTo(values(gpt, "transformer.h.1.mlp.c_fc.weight"));
            assertThat(gpt.weights().masters().toFloatArray())
                    .isEqualTo(same.weights().masters().toFloatArray())
                    .isNotEqualTo(other.weights().masters().toFloatArray());
            assertThat(gpt.weights().masters().size()).isEqualTo(config.parameterCount());
        }
    }

    @Test
    void theNamedShapesHaveTheirPublishedSizes() {
        assertThat(new GptConfig(12, 12, 768, 1_024, 50_257).parameterCount()).isEqualTo(124_439_808);
        assertThat(new GptConfig(48, 25, 1_600, 1_024, 50_257).parameterCount()).isEqualTo(1_557_611_200);
    }

    @ParameterizedTest
    @EnumSource
    void aSavedFolderLoadsToTheSameModel(Precision precision, @TempDir Path folder) throws IOException {
        try (Compute compute = Compute.open(precision, 1);
                Gpt gpt = Gpt.initialise(Samples.SMALL, compute, 7)) {
            gpt.save(folder.resolve(HuggingFaceFormat.WEIGHTS));
            Files.writeString(
                    folder.resolve(HuggingFaceFormat.CONFIG),
                    ModelConfig.of(50, 16, 32, 2, 4, 0, null).toJson());

            try (Gpt loaded = Gpt.load(folder, compute)) {
                assertThat(loaded.config()).isEqualTo(gpt.config());
                assertThat(logits(loaded, TOKENS)).isEqualTo(logits(gpt, TOKENS));
            }
        }
    }

    @Test
    void refusesWhatDoesNotFit() {
        assertThatThrownBy(() -> new GptConfig(2, 3, 32, 16, 50))
                .hasMessageContaining("width 32")
                .hasMessageContaining("heads 3");
        assertThatThrownBy(() -> new GptConfig(0, 4, 32, 16, 50)).hasMessageContaining("layers is 0");
        try (Compute compute = Compute.open(Precision.FLOAT32, 1);
                Gpt gpt = Gpt.initialise(Samples.SMALL, compute, 7)) {
            assertThatThrownBy(() -> logits(gpt, new int[17]))
                    .hasMessageContaining("17 tokens")
                    .hasMessageContaining("context of 16");
        }
    }

    @Test
    void theFormulaAttendsAsWorkedByHand() {
        try (Compute compute = Compute.open(Precision.FLOAT32, 1);
                NDManager scope = compute.scope()) {
            NDArray q = scope.create(new float[] {1, 0, 2, 0}, new Shape(1, 1, 2, 2));
            NDArray k = scope.create(new float[] {1, 0, 0, 1}, new Shape(1, 1, 2, 2));
            NDArray v = scope.create(new float[] {10, 20, 30, 40}, new Shape(1, 1, 2, 2));

            AttentionFormula attention = AttentionFormula.causal(q, k, v);

            double first = Math.exp(2 / Math.sqrt(2)) / (Math.exp(2 / Math.sqrt(2)) + 1); // σ(√2)
            assertThat(attention.scores().toFloatArray()).containsExactly(1, 0, 2, 0);
            assertThat(attention.weights().toFloatArray())
                    .containsExactly(new float[] {1, 0, (float) first, (float) (1 - first)}, within(1e-6f));
            assertThat(attention.output().toFloatArray())
                    .containsExactly(
                            new float[] {10, 20, (float) (30 - 20 * first), (float) (40 - 20 * first)}, within(1e-5f));
        }
    }

    private static float[] logits(Gpt gpt, int[] tokens) {
        try (ForwardPass pass = ForwardPass.inference(gpt.compute())) {
            return gpt.logits(gpt.forward(Gpt.tokens(pass, 1, tokens.length, tokens), pass))
                    .toFloatArray();
        }
    }

    private static float[] values(Gpt gpt, String name) {
        return gpt.weights().get(name).master().toFloatArray();
    }

    private static double deviation(Gpt gpt, String name) {
        float[] values = values(gpt, name);
        double squares = 0;
        for (float value : values) {
            squares += (double) value * value;
        }
        return Math.sqrt(squares / values.length);
    }
}

package io.bardstream.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.bardstream.gpt.AttentionFormula;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Attention in tiles against the formula, and its backward pass against autograd, wherever the tiles end. */
class AttentionTest {
    @ParameterizedTest
    @ValueSource(ints = {1, 5, 16, 64})
    void everyTileSizeGivesTheFormula(int tile) {
        try (Compute compute = Compute.open(Precision.FLOAT32, 1);
                NDManager scope = compute.scope()) {
            NDArray qkv = scope.create(gaussians(3 * 16 * 96, 3), new Shape(48, 96));
            NDArray dy = scope.create(gaussians(3 * 16 * 32, 4), new Shape(48, 32));
            NDArray heads = AttentionFormula.heads(qkv, 3, 4); // (3, B, H, T, D)

            NDList kernel = compute.kernels().attention(qkv, 3, 16, 4, tile, null);
            NDArray back = compute.kernels()
                    .attentionBackward(dy, kernel.subList(1, kernel.size()), 3, 16, 4, tile); // (N, 3C)
            NDArray formula = AttentionFormula.causal(heads.get(0), heads.get(1), heads.get(2))
                    .output()
                    .transpose(0, 2, 1, 3)
                    .reshape(48, 32); // (N, C)
            Autograd.Result oracle = Autograd.differentiate(
                    () -> compute.kernels("/io/bardstream/gpt/oracle.py")
                            .call("attention")
                            .tensor(qkv, dy, 3, 16, 4),
                    List.of(qkv));

            assertThat(error(kernel.get(0), formula)).isLessThan(1e-6);
            assertThat(error(back, oracle.gradients().get(0))).isLessThan(1e-6);
        }
    }

    /** |a - b| / |b|. */
    private static double error(NDArray a, NDArray b) {
        return Math.sqrt(a.sub(b).square().sum().getFloat() / b.square().sum().getFloat());
    }

    private static float[] gaussians(int count, long seed) {
        Random random = new Random(seed);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }
}

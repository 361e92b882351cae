package io.bardstream.gpt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.bardstream.kernel.Autograd;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.Precision;
import io.bardstream.kernel.TorchCall;
import io.bardstream.train.Batch;
import io.bardstream.train.NextToken;
import io.bardstream.train.Objective;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The hand-written backward pass against two judges: PyTorch's autograd, and the difference of losses at neighbouring
 * weights.
 */
class GradientTest {
    private static final Batch BATCH = Samples.batch(3, 16, 50, 1);
    private static final Batch WEIGHTED = weighted(BATCH);

    @Test
    void floatGradientsAreAutogradsOwn() {
        for (Batch batch : List.of(BATCH, WEIGHTED)) {
            try (Compute compute = Compute.open(Precision.FLOAT32, 1);
                    Gpt gpt = shaken(compute)) {
                double loss = backward(gpt, batch, Dropout.NONE);
                Autograd.Result oracle = oracle(gpt, batch);

                assertThat(loss).isCloseTo(oracle.loss(), within(1e-5));
                List<Parameter> parameters = gpt.weights().all();
                for (int i = 0; i < parameters.size(); i++) {
                    double error = error(
                            parameters.get(i).gradient(), oracle.gradients().get(i));
                    assertThat(error).as(parameters.get(i).name()).isLessThan(2e-5);
                }
            }
        }
    }

    @Test
    void bfloat16GradientsStayWithinAPercentOfFloats() {
        try (Compute compute = Compute.open(Precision.BFLOAT16, 1);
                Gpt gpt = shaken(compute)) {
            double loss = backward(gpt, BATCH, Dropout.NONE);
            Autograd.Result oracle = oracle(gpt, BATCH);

            assertThat(loss).isCloseTo(oracle.loss(), within(0.01));
            List<Parameter> parameters = gpt.weights().all();
            double sum = 0;
            for (int i = 0; i < parameters.size(); i++) {
                sum += error(parameters.get(i).gradient(), oracle.gradients().get(i));
            }
            assertThat(sum / parameters.size()).isBetween(1e-4, 0.01);
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.2})
    void gradientsPredictHowTheLossChanges(double dropout) {
        Dropout masks = new Dropout(dropout, 5, 6, 7);
        try (Compute compute = Compute.open(Precision.FLOAT32, 1);
                Gpt gpt = shaken(compute)) {
            backward(gpt, BATCH, masks);
            for (Parameter parameter : gpt.weights().all()) {
                double norm = Math.sqrt(parameter.gradient().square().sum().getFloat());
                float step = (float) (2e-2 / norm);
                NDArray start = parameter.master().duplicate();
                NDArray direction = parameter.gradient().duplicate().mul(step); // length 0.02

                compute.kernels().copy(parameter.master(), start.add(direction));
                double up = loss(gpt, BATCH, masks);
                compute.kernels().copy(parameter.master(), start.sub(direction));
                double down = loss(gpt, BATCH, masks);
                compute.kernels().copy(parameter.master(), start);

                assertThat((up - down) / 2 / 2e-2)
                        .as("slope of the loss along the gradient of " + parameter.name())
                        .isCloseTo(norm, within(0.01 * norm + 2e-5));
            }
        }
    }

    @Test
    void backwardAddsToWhatIsThere() {
        try (Compute compute = Compute.open(Precision.FLOAT32, 1);
                Gpt gpt = shaken(compute)) {
            backward(gpt, BATCH, Dropout.NONE);
            float[] once = gradients(gpt);

            run(gpt, BATCH, Dropout.NONE);

            float[] twice = gradients(gpt);
            for (int i = 0; i < once.length; i++) {
                assertThat(twice[i]).isCloseTo(2 * once[i], within(1e-6f));
            }
        }
    }

    @Test
    void dropoutMasksAreFunctionsOfTheirPlace() {
        try (Compute compute = Compute.open(Precision.FLOAT32, 1);
                NDManager scope = compute.scope()) {
            NDArray like = scope.zeros(new Shape(401, 501)); // odd, and more than one chunk

            double[] kept = new double[3];
            boolean[][] masks = new boolean[3][];
            for (int i = 0; i < 3; i++) {
                Dropout dropout = new Dropout(0.3, 1, i == 2 ? 9 : 8, 0);
                masks[i] = dropout.mask(compute.kernels(), like, 2, 1).toBooleanArray();
                for (boolean keep : masks[i]) {
                    kept[i] += keep ? 1.0 / masks[i].length : 0;
                }
            }

            assertThat(masks[1]).isEqualTo(masks[0]).isNotEqualTo(masks[2]);
            assertThat(kept[0]).isCloseTo(0.7, within(0.005)); // five standard deviations of 200,901 draws
            assertThat(kept[2]).isCloseTo(0.7, within(0.005));
            assertThat(correlation(masks[0], masks[2], 0)).isCloseTo(0, within(0.012));
            for (int lag : new int[] {1, 2, 501, 100_451}) {
                assertThat(correlation(masks[0], masks[0], lag))
                        .as("lag %d", lag)
                        .isCloseTo(0, within(0.012));
            }
            assertThat(Dropout.NONE.mask(compute.kernels(), like, 0, 0)).isNull();
        }
    }

    /** Weights as after some training: none zero, activations of order one. */
    private static Gpt shaken(Compute compute) {
        Gpt gpt = Gpt.initialise(Samples.SMALL, compute, 7);
        NDArray masters = gpt.weights().masters();
        try (NDManager scope = compute.scope()) {
            NDArray noise = scope.create(gaussians((int) masters.size(), 11)); // deviation 1
            compute.kernels().copy(masters, masters.add(noise.mul(0.1f)));
        }
        gpt.weights().refresh();
        gpt.weights().train(Precision.FLOAT32);
        return gpt;
    }

    private static double backward(Gpt gpt, Batch batch, Dropout dropout) {
        gpt.weights().clearGradients();
        return run(gpt, batch, dropout);
    }

    private static double run(Gpt gpt, Batch batch, Dropout dropout) {
        NextToken objective = new NextToken(batch);
        try (ForwardPass pass = ForwardPass.training(gpt.compute(), dropout)) {
            NDArray hidden = gpt.forward(objective.tokens(pass), pass);
            Objective.Outcome outcome = objective.apply(gpt, hidden, 1, pass);
            gpt.backward(outcome.dHidden(), pass);
            return outcome.loss().getFloat();
        }
    }

    private static double loss(Gpt gpt, Batch batch, Dropout dropout) {
        NextToken objective = new NextToken(batch);
        try (ForwardPass pass = ForwardPass.training(gpt.compute(), dropout);
                NDManager scope = gpt.compute().scope()) {
            NDArray hidden = gpt.forward(objective.tokens(pass), pass);
            NDArray targets = scope.create(batch.targets()).toType(DataType.INT64, false);
            return gpt.compute()
                    .kernels()
                    .nextToken(hidden, gpt.tokenEmbedding().weight(), targets, null, 1, null)
                    .get(0)
                    .getFloat();
        }
    }

    private static Autograd.Result oracle(Gpt gpt, Batch batch) {
        TorchCall loss = gpt.compute().kernels("/io/bardstream/gpt/oracle.py").call("loss");
        NDManager manager = gpt.compute().manager();
        NDArray tokens = manager.create(batch.inputs(), new Shape(batch.rows(), batch.length()))
                .toType(DataType.INT64, false);
        NDArray targets = manager.create(batch.targets()).toType(DataType.INT64, false);
        NDArray weights = batch.weights() == null ? null : manager.create(batch.weights());
        List<NDArray> masters =
                gpt.weights().all().stream().map(Parameter::master).toList();
        return Autograd.differentiate(() -> loss.tensor(tokens, targets, weights, 4, 2, masters), masters);
    }

    /** |a - b| / |b|. */
    private static double error(NDArray a, NDArray b) {
        return Math.sqrt(a.sub(b).square().sum().getFloat() / b.square().sum().getFloat());
    }

    private static float[] gradients(Gpt gpt) {
        return gpt.weights().get("transformer.h.1.mlp.c_fc.weight").gradient().toFloatArray();
    }

    private static float[] gaussians(int count, long seed) {
        Random random = new Random(seed);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    private static double correlation(boolean[] a, boolean[] b, int lag) {
        double sum = 0;
        for (int i = 0; i + lag < a.length; i++) {
            sum += ((a[i] ? 1 : 0) - 0.7) * ((b[i + lag] ? 1 : 0) - 0.7) / 0.21;
        }
        return sum / (a.length - lag);
    }

    private static Batch weighted(Batch batch) {
        float[] weights = new float[batch.tokens()];
        for (int i = 0; i < weights.length; i++) {
            weights[i] = i % 3 == 0 ? 0 : i % 5 + 1;
        }
        return new Batch(batch.rows(), batch.length(), batch.inputs(), batch.targets(), weights);
    }
}

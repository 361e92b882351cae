package io.bardstream.gpt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.Precision;
import io.bardstream.train.Batch;
import io.bardstream.train.NextToken;
import io.bardstream.train.Objective;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The hand-written backward pass against two judges: the formulas in double precision, and the difference of losses at
 * neighbouring weights.
 */
class GradientTest {
    private static final Batch BATCH = Samples.batch(3, 16, 50, 1);
    private static final Batch WEIGHTED = weighted(BATCH);

    @TempDir
    Path folder;

    @Test
    void floatGradientsAreThoseOfTheFormulas() throws IOException {
        GptInJava formula = new GptInJava(Samples.SMALL, 7);
        try (Compute compute = Compute.open(Precision.FLOAT32, 1);
                Gpt gpt = trainable(formula, compute)) {
            for (Batch batch : List.of(BATCH, WEIGHTED)) {
                assertThat(backward(gpt, batch, Dropout.NONE)).isCloseTo(formula.loss(batch), within(1e-5));

                errors(gpt, formula.gradients(batch))
                        .forEach((name, error) -> assertThat(error).as(name).isLessThan(1e-5));
            }
        }
    }

    @Test
    void bfloat16GradientsStayWithinAPercentOfTheFormulas() throws IOException {
        GptInJava formula = new GptInJava(Samples.SMALL, 7, 0.1); // activations of order one, as in training
        try (Compute compute = Compute.open(Precision.BFLOAT16, 1);
                Gpt gpt = trainable(formula, compute)) {
            assertThat(backward(gpt, BATCH, Dropout.NONE)).isCloseTo(formula.loss(BATCH), within(0.01));

            assertThat(errors(gpt, formula.gradients(BATCH)).values().stream()
                            .mapToDouble(Double::doubleValue)
                            .average())
                    .hasValueCloseTo(0.005, within(0.0049));
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.2})
    void gradientsPredictHowTheLossChanges(double dropout) throws IOException {
        Dropout masks = new Dropout(dropout, 5, 6, 7);
        try (Compute compute = Compute.open(Precision.FLOAT32, 1);
                Gpt gpt = trainable(new GptInJava(Samples.SMALL, 7, 0.1), compute)) {
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
    void backwardAddsToWhatIsThere() throws IOException {
        try (Compute compute = Compute.open(Precision.FLOAT32, 1);
                Gpt gpt = trainable(new GptInJava(Samples.SMALL, 7, 0.1), compute)) {
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

    private Gpt trainable(GptInJava formula, Compute compute) throws IOException {
        Gpt gpt = Gpt.load(formula.save(folder), compute);
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

    /** |g - expected| / |expected| of every parameter. */
    private static Map<String, Double> errors(Gpt gpt, Map<String, double[]> expected) {
        Map<String, Double> errors = new LinkedHashMap<>();
        expected.forEach((name, formula) -> {
            float[] actual = gpt.weights().get("transformer." + name).gradient().toFloatArray();
            double difference = 0;
            double size = 0;
            for (int i = 0; i < actual.length; i++) {
                difference += (actual[i] - formula[i]) * (actual[i] - formula[i]);
                size += formula[i] * formula[i];
            }
            errors.put(name, Math.sqrt(difference / size));
        });
        return errors;
    }

    private static float[] gradients(Gpt gpt) {
        return gpt.weights().get("transformer.h.1.mlp.c_fc.weight").gradient().toFloatArray();
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

package io.bardstream.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.bardstream.gpt.Gpt;
import io.bardstream.gpt.Parameter;
import io.bardstream.gpt.Samples;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.Precision;
import io.bardstream.train.OptimizerSettings.Kind;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The update rules against their formulas, written out in plain Java doubles. */
class OptimizerTest {
    @Test
    void adamwFollowsPyTorchsFormula() {
        OptimizerSettings settings = new OptimizerSettings(Kind.ADAMW, 0, 0.9, 0.95, 1e-8, 0.1, 0);
        try (Compute compute = Compute.open(Precision.FLOAT32, 1);
                Gpt gpt = Gpt.initialise(Samples.SMALL, compute, 1)) {
            gpt.weights().train(Precision.FLOAT32);
            try (Optimizer optimizer = new Optimizer(gpt, settings)) {
                Map<String, PlainAdamW> plain = new HashMap<>();
                for (Parameter parameter : gpt.weights().all()) {
                    plain.put(
                            parameter.name(), new PlainAdamW(parameter.master().toFloatArray()));
                }
                for (int step = 1; step <= 20; step++) {
                    double learningRate = 1e-2 / step;
                    for (Parameter parameter : gpt.weights().all()) {
                        float[] gradient = gradient(parameter, step);
                        set(compute, parameter.gradient(), gradient);
                        boolean matrix = parameter.master().getShape().dimension() == 2;
                        plain.get(parameter.name()).update(gradient, learningRate, matrix ? 0.1 : 0, step);
                    }
                    optimizer.update(learningRate, optimizer.gradientNorm());
                }
                for (Parameter parameter : gpt.weights().all()) {
                    float[] actual = parameter.master().toFloatArray();
                    double[] expected = plain.get(parameter.name()).p;
                    for (int i = 0; i < actual.length; i++) {
                        assertThat((double) actual[i]).as(parameter.name()).isCloseTo(expected[i], within(1e-6));
                    }
                }
            }
        }
    }

    @Test
    void clipsByTheGlobalNorm() {
        OptimizerSettings settings =
                new OptimizerSettings(Kind.ADAMW, 0, 0, 0, 1.0, 0, 0.5); // β = 0, ε = 1: p -= η·g/(|g|+1)
        try (Compute compute = Compute.open(Precision.FLOAT32, 1);
                Gpt gpt = Gpt.initialise(Samples.SMALL, compute, 1)) {
            gpt.weights().train(Precision.FLOAT32);
            try (Optimizer optimizer = new Optimizer(gpt, settings)) {
                double squares = 0;
                for (Parameter parameter : gpt.weights().all()) {
                    float[] gradient = gradient(parameter, 1);
                    set(compute, parameter.gradient(), gradient);
                    for (float g : gradient) {
                        squares += (double) g * g;
                    }
                }
                Parameter bias = gpt.weights().get("transformer.h.0.mlp.c_fc.bias");
                float[] before = bias.master().toFloatArray();
                float[] gradient = gradient(bias, 1);

                double norm = optimizer.gradientNorm();
                optimizer.update(0.1, norm);

                assertThat(norm).isCloseTo(Math.sqrt(squares), within(1e-4 * norm));
                float[] after = bias.master().toFloatArray();
                for (int i = 0; i < after.length; i++) {
                    double clipped = gradient[i] * 0.5 / norm;
                    double expected = before[i] - 0.1 * clipped / (Math.abs(clipped) + 1);
                    assertThat((double) after[i]).isCloseTo(expected, within(1e-7));
                }
            }
        }
    }

    /**
     * By definition (Jordan 2024): with G = UΣVᵀ the result is Uφ(Σ/‖G‖)Vᵀ, where φ is the quintic applied five times. It
     * brings every singular value that is not tiny near one.
     */
    @ParameterizedTest
    @CsvSource({"24, 24", "16, 40", "40, 16"})
    void orthogonalisingBringsSingularValuesNearOne(int rows, int columns) {
        try (Compute compute = Compute.open(Precision.FLOAT32, 1);
                NDManager scope = compute.scope()) {
            Random random = new Random(3);
            double[][] g = new double[rows][columns];
            float[] flat = new float[rows * columns];
            for (int i = 0; i < flat.length; i++) {
                flat[i] = (float) random.nextGaussian();
                g[i / columns][i % columns] = flat[i];
            }

            float[] actual = compute.kernels("/io/bardstream/kernel/optimizer.py")
                    .call("orthogonalise")
                    .tensor(scope.create(flat, new Shape(1, rows, columns)), 5, 6)
                    .toFloatArray();

            double[][] expected = newtonSchulz(g);
            for (int i = 0; i < actual.length; i++) {
                assertThat((double) actual[i]).isCloseTo(expected[i / columns][i % columns], within(1e-4));
            }
            double[] before = singularValues(g);
            double[] after = singularValues(matrix(actual, columns));
            double[] wanted = Arrays.stream(before)
                    .map(value -> quintic(value / norm(before)))
                    .sorted()
                    .toArray();
            for (int i = 0; i < wanted.length; i++) {
                assertThat(after[i]).isCloseTo(wanted[i], within(1e-4));
                if (before[i] > 0.03 * norm(before)) {
                    assertThat(after[i]).isBetween(0.65, 1.2);
                }
            }
        }
    }

    @Test
    void muonStepsAlongTheOrthogonalisedMomentum() {
        OptimizerSettings settings = new OptimizerSettings(Kind.MUON, 2, 0.9, 0.95, 1e-8, 0.1, 0);
        try (Compute compute = Compute.open(Precision.FLOAT32, 1);
                Gpt gpt = Gpt.initialise(Samples.SMALL, compute, 1)) {
            gpt.weights().train(Precision.FLOAT32);
            try (Optimizer optimizer = new Optimizer(gpt, settings)) {
                Parameter parameter = gpt.weights().get("transformer.h.1.mlp.c_proj.weight"); // 128 in, 32 out
                double[][] p = matrix(parameter.master().toFloatArray(), 32);
                double[][] m = new double[128][32];
                for (int step = 1; step <= 3; step++) {
                    for (Parameter each : gpt.weights().all()) {
                        set(compute, each.gradient(), gradient(each, step));
                    }
                    double[][] g = matrix(gradient(parameter, step), 32);
                    double[][] nesterov = new double[128][32];
                    for (int i = 0; i < 128; i++) {
                        for (int j = 0; j < 32; j++) {
                            m[i][j] = 0.95 * m[i][j] + 0.05 * g[i][j];
                            nesterov[i][j] = 0.05 * g[i][j] + 0.95 * m[i][j];
                        }
                    }
                    double[][] o = newtonSchulz(nesterov);
                    double rate = 0.01 * 2;
                    for (int i = 0; i < 128; i++) {
                        for (int j = 0; j < 32; j++) {
                            p[i][j] = p[i][j] * (1 - rate * 0.1) - rate * o[i][j]; // √max(1, 32/128) = 1
                        }
                    }
                    optimizer.update(0.01, optimizer.gradientNorm());
                }
                float[] actual = parameter.master().toFloatArray();
                for (int i = 0; i < actual.length; i++) {
                    assertThat((double) actual[i]).isCloseTo(p[i / 32][i % 32], within(1e-5));
                }
            }
        }
    }

    /** AdamW as torch.optim.AdamW's documentation states it. */
    private static final class PlainAdamW {
        private final double[] p;
        private final double[] m;
        private final double[] v;

        PlainAdamW(float[] start) {
            p = new double[start.length];
            m = new double[start.length];
            v = new double[start.length];
            for (int i = 0; i < start.length; i++) {
                p[i] = start[i];
            }
        }

        void update(float[] g, double learningRate, double decay, int t) {
            for (int i = 0; i < p.length; i++) {
                p[i] -= learningRate * decay * p[i];
                m[i] = 0.9 * m[i] + 0.1 * g[i];
                v[i] = 0.95 * v[i] + 0.05 * g[i] * g[i];
                double mHat = m[i] / (1 - Math.pow(0.9, t));
                double vHat = v[i] / (1 - Math.pow(0.95, t));
                p[i] -= learningRate * mHat / (Math.sqrt(vHat) + 1e-8);
            }
        }
    }

    private static float[] gradient(Parameter parameter, int step) {
        Random random = new Random(parameter.name().hashCode() * 31L + step);
        float[] gradient = new float[(int) parameter.master().size()];
        for (int i = 0; i < gradient.length; i++) {
            gradient[i] = (float) (0.1 * random.nextGaussian());
        }
        return gradient;
    }

    private static void set(Compute compute, NDArray array, float[] values) {
        try (NDArray source = compute.manager().create(values, array.getShape())) {
            compute.kernels().copy(array, source);
        }
    }

    private static double[][] newtonSchulz(double[][] g) {
        double[][] x = g.length > g[0].length ? transpose(g) : g;
        double squares = 0;
        for (double[] row : x) {
            for (double value : row) {
                squares += value * value;
            }
        }
        x = combine(1 / (Math.sqrt(squares) + 1e-7), x, 0, x);
        for (int i = 0; i < 5; i++) {
            double[][] a = product(x, transpose(x));
            double[][] b = combine(-4.7750, a, 2.0315, product(a, a));
            x = combine(3.4445, x, 1, product(b, x));
        }
        return g.length > g[0].length ? transpose(x) : x;
    }

    /** φ of one singular value: what {@link #newtonSchulz} does to each of them. */
    private static double quintic(double value) {
        double x = value;
        for (int i = 0; i < 5; i++) {
            x = 3.4445 * x - 4.7750 * x * x * x + 2.0315 * x * x * x * x * x;
        }
        return x;
    }

    private static double norm(double[] values) {
        return Math.sqrt(Arrays.stream(values).map(value -> value * value).sum());
    }

    /** Ascending; by one-sided Jacobi rotations, which make the shorter side's vectors orthogonal: their lengths are the values. */
    private static double[] singularValues(double[][] matrix) {
        double[][] a = matrix.length > matrix[0].length ? transpose(matrix) : transpose(transpose(matrix));
        for (int sweep = 0; sweep < 30; sweep++) {
            for (int i = 0; i < a.length; i++) {
                for (int j = i + 1; j < a.length; j++) {
                    rotate(a[i], a[j]);
                }
            }
        }
        return Arrays.stream(a).mapToDouble(OptimizerTest::norm).sorted().toArray();
    }

    private static void rotate(double[] x, double[] y) {
        double along = 0;
        for (int k = 0; k < x.length; k++) {
            along += x[k] * y[k];
        }
        double angle = 0.5 * Math.atan2(2 * along, norm(x) * norm(x) - norm(y) * norm(y));
        for (int k = 0; k < x.length; k++) {
            double turned = Math.cos(angle) * x[k] + Math.sin(angle) * y[k];
            y[k] = Math.cos(angle) * y[k] - Math.sin(angle) * x[k];
            x[k] = turned;
        }
    }

    private static double[][] matrix(float[] flat, int columns) {
        double[][] rows = new double[flat.length / columns][columns];
        for (int i = 0; i < flat.length; i++) {
            rows[i / columns][i % columns] = flat[i];
        }
        return rows;
    }

    private static double[][] combine(double a, double[][] x, double b, double[][] y) {
        double[][] sum = new double[x.length][x[0].length];
        for (int i = 0; i < x.length; i++) {
            for (int j = 0; j < x[0].length; j++) {
                sum[i][j] = a * x[i][j] + b * y[i][j];
            }
        }
        return sum;
    }

    private static double[][] product(double[][] x, double[][] y) {
        double[][] result = new double[x.length][y[0].length];
        for (int i = 0; i < x.length; i++) {
            for (int k = 0; k < y.length; k++) {
                for (int j = 0; j < y[0].length; j++) {
                    result[i][j] += x[i][k] * y[k][j];
                }
            }
        }
        return result;
    }

    private static double[][] transpose(double[][] x) {
        double[][] result = new double[x[0].length][x.length];
        for (int i = 0; i < x.length; i++) {
            for (int j = 0; j < x[0].length; j++) {
                result[j][i] = x[i][j];
            }
        }
        return result;
    }
}

package io.bardstream.gpt;

import io.bardstream.checkpoint.HuggingFaceFormat;
import io.bardstream.checkpoint.ModelConfig;
import io.bardstream.checkpoint.SafeTensorsWriter;
import io.bardstream.train.Batch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;

/**
 * GPT-2 (Radford et al. 2019) in plain Java and double precision: the forward pass, the next-token loss and the backward
 * pass, formula by formula, one sequence at a time. It shares nothing with the engine, which the tests hold against it.
 *
 * <p>How to read it. A layer y = f(x) has a twin that takes dy, the derivative of the loss by y, and returns dx, the
 * derivative by x; what it finds for its own parameters it adds to their gradients. {@link #forward} keeps what the twins
 * need, and {@link #backward} calls them in the opposite order. That is all of backpropagation.
 *
 * <p>Matrices are arrays of rows, one a token. A weight is {@code (in, out)}, so a layer is x·W + b; parameters lie in one
 * flat array each, row by row, under Hugging Face's names without {@code transformer.}
 */
public final class GptInJava {
    private static final double EPSILON = 1e-5;
    private static final double GELU_SCALE = Math.sqrt(2 / Math.PI);
    private static final double GELU_CUBE = 0.044715;

    private final GptConfig config;
    private final ModelConfig model;
    private final Map<String, double[]> parameters = new LinkedHashMap<>();
    private final Map<String, double[]> gradients = new LinkedHashMap<>();

    /** Random weights, large enough that attention is far from uniform. */
    public GptInJava(GptConfig config, long seed) {
        this(config, seed, 0.3);
    }

    /** Random weights of this standard deviation, gains around one; each is a float, so that a file holds it exactly. */
    GptInJava(GptConfig config, long seed, double deviation) {
        this.config = config;
        this.model = ModelConfig.of(
                config.vocabularySize(),
                config.contextLength(),
                config.width(),
                config.layers(),
                config.heads(),
                0,
                null);
        Random random = new Random(seed);
        HuggingFaceFormat.shapes(model).forEach((canonical, shape) -> {
            String name = canonical.substring("transformer.".length());
            double[] values = new double[(int) Arrays.stream(shape).reduce(1, Math::multiplyExact)];
            double centre = name.matches(".*ln_.\\.weight") ? 1 : 0;
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) (centre + random.nextGaussian() * deviation);
            }
            parameters.put(name, values);
        });
    }

    /** What the forward pass of one block keeps for the backward pass. All have a row a token. */
    private record Trace(
            double[][] in,
            double[][] norm1,
            double[][] qkv,
            double[][] attended,
            double[][] middle,
            double[][] norm2,
            double[][] wide,
            double[][] active) {}

    /** The logits after each of the tokens. (T, V) */
    public double[][] logits(int... tokens) {
        return head(hidden(tokens));
    }

    /** The hidden states after the last norm. (T, C) */
    public double[][] hidden(int... tokens) {
        return norm(forward(tokens, new Trace[config.layers()]), "ln_f");
    }

    /** The weighted mean of -log p(target) over the batch, in nats. */
    double loss(Batch batch) {
        double sum = 0;
        for (int row = 0; row < batch.rows(); row++) {
            double[][] logits = logits(part(batch.inputs(), batch, row));
            for (int t = 0; t < batch.length(); t++) {
                int at = row * batch.length() + t;
                sum -= share(batch, at) * Math.log(softmax(logits[t])[batch.targets()[at]]);
            }
        }
        return sum;
    }

    /** The derivative of {@link #loss} by every parameter, by name. */
    Map<String, double[]> gradients(Batch batch) {
        parameters.forEach((name, values) -> gradients.put(name, new double[values.length]));
        for (int row = 0; row < batch.rows(); row++) {
            backward(batch, row);
        }
        return gradients;
    }

    /** A parameter's values, which may be changed. */
    public double[] parameter(String name) {
        return parameters.get(name);
    }

    /** Writes the weights as a Hugging Face folder without a tokenizer. */
    public Path save(Path folder) throws IOException {
        Files.writeString(folder.resolve(HuggingFaceFormat.CONFIG), model.toJson());
        SafeTensorsWriter writer = new SafeTensorsWriter();
        HuggingFaceFormat.shapes(model)
                .forEach((name, shape) -> writer.add(name, floats(name.substring("transformer.".length())), shape));
        writer.write(folder.resolve(HuggingFaceFormat.WEIGHTS));
        return folder;
    }

    /** A parameter's values as a file holds them. */
    public float[] floats(String name) {
        double[] values = parameters.get(name);
        float[] floats = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            floats[i] = (float) values[i];
        }
        return floats;
    }

    /** The names of all parameters with their shapes. */
    public Map<String, long[]> shapes() {
        Map<String, long[]> shapes = new LinkedHashMap<>();
        HuggingFaceFormat.shapes(model)
                .forEach((name, shape) -> shapes.put(name.substring("transformer.".length()), shape));
        return shapes;
    }

    // The model, there and back.

    /** x₀ = wte[token] + wpe[position]; then for each block x += attention(norm(x)), x += mlp(norm(x)). */
    private double[][] forward(int[] tokens, Trace[] traces) {
        double[][] x = new double[tokens.length][];
        for (int t = 0; t < tokens.length; t++) {
            x[t] = sum(row("wte.weight", tokens[t]), row("wpe.weight", t));
        }
        for (int layer = 0; layer < config.layers(); layer++) {
            String block = "h." + layer + ".";
            double[][] norm1 = norm(x, block + "ln_1");
            double[][] qkv = linear(norm1, block + "attn.c_attn");
            double[][] attended = attention(qkv);
            double[][] middle = sum(x, linear(attended, block + "attn.c_proj"));
            double[][] norm2 = norm(middle, block + "ln_2");
            double[][] wide = linear(norm2, block + "mlp.c_fc");
            double[][] active = gelu(wide);
            traces[layer] = new Trace(x, norm1, qkv, attended, middle, norm2, wide, active);
            x = sum(middle, linear(active, block + "mlp.c_proj"));
        }
        return x;
    }

    /** Where a branch leaves the stream, its derivative joins the stream's: d(x + f(x)) = dx + df. */
    private void backward(Batch batch, int row) {
        int[] tokens = part(batch.inputs(), batch, row);
        Trace[] traces = new Trace[config.layers()];
        double[][] x = forward(tokens, traces);
        double[][] dx = normBackward(x, headBackward(norm(x, "ln_f"), batch, row), "ln_f");
        for (int layer = config.layers() - 1; layer >= 0; layer--) {
            String block = "h." + layer + ".";
            Trace trace = traces[layer];
            double[][] dActive = linearBackward(trace.active(), dx, block + "mlp.c_proj");
            double[][] dWide = geluBackward(trace.wide(), dActive);
            double[][] dNorm2 = linearBackward(trace.norm2(), dWide, block + "mlp.c_fc");
            dx = sum(dx, normBackward(trace.middle(), dNorm2, block + "ln_2"));
            double[][] dAttended = linearBackward(trace.attended(), dx, block + "attn.c_proj");
            double[][] dQkv = attentionBackward(trace.qkv(), dAttended);
            double[][] dNorm1 = linearBackward(trace.norm1(), dQkv, block + "attn.c_attn");
            dx = sum(dx, normBackward(trace.in(), dNorm1, block + "ln_1"));
        }
        for (int t = 0; t < tokens.length; t++) {
            addTo("wte.weight", tokens[t], dx[t]);
            addTo("wpe.weight", t, dx[t]);
        }
    }

    // The head and the loss.

    /** logit of v = x · wte[v]: the head is the token embedding. */
    private double[][] head(double[][] x) {
        double[][] logits = new double[x.length][config.vocabularySize()];
        for (int t = 0; t < x.length; t++) {
            for (int v = 0; v < config.vocabularySize(); v++) {
                logits[t][v] = dot(x[t], row("wte.weight", v));
            }
        }
        return logits;
    }

    /** d(-log p(target))/d(logit of v) = p(v) - [v = target]. */
    private double[][] headBackward(double[][] x, Batch batch, int row) {
        double[][] logits = head(x);
        double[][] dx = new double[x.length][config.width()];
        for (int t = 0; t < x.length; t++) {
            int at = row * batch.length() + t;
            double[] p = softmax(logits[t]);
            for (int v = 0; v < p.length; v++) {
                double dLogit = share(batch, at) * (p[v] - (v == batch.targets()[at] ? 1 : 0));
                double[] embedding = row("wte.weight", v);
                for (int i = 0; i < config.width(); i++) {
                    dx[t][i] += dLogit * embedding[i];
                    gradients.get("wte.weight")[v * config.width() + i] += dLogit * x[t][i];
                }
            }
        }
        return dx;
    }

    /** How much one target counts in the mean. */
    private static double share(Batch batch, int at) {
        return (batch.weights() == null ? 1 : batch.weights()[at]) / batch.weight();
    }

    // Layer norm: y = n·gain + bias with n = (x - mean)/√(variance + ε).

    private double[][] norm(double[][] x, String name) {
        double[] gain = parameters.get(name + ".weight");
        double[] bias = parameters.get(name + ".bias");
        double[][] y = new double[x.length][config.width()];
        for (int t = 0; t < x.length; t++) {
            double[] n = normalised(x[t]);
            for (int i = 0; i < n.length; i++) {
                y[t][i] = n[i] * gain[i] + bias[i];
            }
        }
        return y;
    }

    /** dx = (dn - mean(dn) - n·mean(dn·n))/deviation: what mean and variance take away from each number. */
    private double[][] normBackward(double[][] x, double[][] dy, String name) {
        double[] gain = parameters.get(name + ".weight");
        double[][] dx = new double[x.length][config.width()];
        for (int t = 0; t < x.length; t++) {
            double[] n = normalised(x[t]);
            double[] dn = new double[n.length];
            for (int i = 0; i < n.length; i++) {
                dn[i] = dy[t][i] * gain[i];
                gradients.get(name + ".weight")[i] += dy[t][i] * n[i];
                gradients.get(name + ".bias")[i] += dy[t][i];
            }
            double mean = mean(dn);
            double along = dot(dn, n) / n.length;
            for (int i = 0; i < n.length; i++) {
                dx[t][i] = (dn[i] - mean - n[i] * along) / deviation(x[t]);
            }
        }
        return dx;
    }

    private static double[] normalised(double[] x) {
        double mean = mean(x);
        double deviation = deviation(x);
        return Arrays.stream(x).map(value -> (value - mean) / deviation).toArray();
    }

    private static double deviation(double[] x) {
        double mean = mean(x);
        return Math.sqrt(
                Arrays.stream(x).map(value -> (value - mean) * (value - mean)).sum() / x.length + EPSILON);
    }

    // Linear: y = x·W + b, so dx = dy·Wᵀ, dW = xᵀ·dy, db = Σ dy.

    private double[][] linear(double[][] x, String name) {
        double[] weight = parameters.get(name + ".weight");
        double[] bias = parameters.get(name + ".bias");
        double[][] y = new double[x.length][];
        for (int t = 0; t < x.length; t++) {
            y[t] = bias.clone();
            for (int i = 0; i < x[t].length; i++) {
                for (int o = 0; o < bias.length; o++) {
                    y[t][o] += x[t][i] * weight[i * bias.length + o];
                }
            }
        }
        return y;
    }

    private double[][] linearBackward(double[][] x, double[][] dy, String name) {
        double[] weight = parameters.get(name + ".weight");
        double[] dWeight = gradients.get(name + ".weight");
        double[] dBias = gradients.get(name + ".bias");
        double[][] dx = new double[x.length][x[0].length];
        for (int t = 0; t < x.length; t++) {
            for (int o = 0; o < dBias.length; o++) {
                dBias[o] += dy[t][o];
                for (int i = 0; i < x[t].length; i++) {
                    dx[t][i] += dy[t][o] * weight[i * dBias.length + o];
                    dWeight[i * dBias.length + o] += x[t][i] * dy[t][o];
                }
            }
        }
        return dx;
    }

    // Attention (Vaswani et al. 2017, equation 1): y = softmax(q·kᵀ/√d)·v in each head, each token over itself and
    // those
    // before it. A row of qkv holds all heads' q, then all k, then all v.

    private double[][] attention(double[][] qkv) {
        double[][] y = new double[qkv.length][config.width()];
        for (int head = 0; head < config.heads(); head++) {
            for (int t = 0; t < qkv.length; t++) {
                double[] p = weights(qkv, head, t);
                for (int s = 0; s <= t; s++) {
                    for (int i = 0; i < config.headWidth(); i++) {
                        y[t][query(head) + i] += p[s] * qkv[s][value(head) + i];
                    }
                }
            }
        }
        return y;
    }

    /** dv = p·dy and dp = dy·v; through the softmax dscore = p·(dp - Σ p·dp); dq = dscore·k/√d and dk = dscore·q/√d. */
    private double[][] attentionBackward(double[][] qkv, double[][] dy) {
        double[][] dQkv = new double[qkv.length][3 * config.width()];
        double scale = 1 / Math.sqrt(config.headWidth());
        for (int head = 0; head < config.heads(); head++) {
            for (int t = 0; t < qkv.length; t++) {
                double[] p = weights(qkv, head, t);
                double[] dp = new double[t + 1];
                for (int s = 0; s <= t; s++) {
                    for (int i = 0; i < config.headWidth(); i++) {
                        dp[s] += dy[t][query(head) + i] * qkv[s][value(head) + i];
                        dQkv[s][value(head) + i] += p[s] * dy[t][query(head) + i];
                    }
                }
                double expected = dot(p, dp);
                for (int s = 0; s <= t; s++) {
                    double dScore = p[s] * (dp[s] - expected) * scale;
                    for (int i = 0; i < config.headWidth(); i++) {
                        dQkv[t][query(head) + i] += dScore * qkv[s][key(head) + i];
                        dQkv[s][key(head) + i] += dScore * qkv[t][query(head) + i];
                    }
                }
            }
        }
        return dQkv;
    }

    /** What token t takes from each token up to itself. (t + 1) */
    private double[] weights(double[][] qkv, int head, int t) {
        double[] scores = new double[t + 1];
        for (int s = 0; s <= t; s++) {
            for (int i = 0; i < config.headWidth(); i++) {
                scores[s] += qkv[t][query(head) + i] * qkv[s][key(head) + i] / Math.sqrt(config.headWidth());
            }
        }
        return softmax(scores);
    }

    private int query(int head) {
        return head * config.headWidth();
    }

    private int key(int head) {
        return config.width() + query(head);
    }

    private int value(int head) {
        return 2 * config.width() + query(head);
    }

    // GELU as GPT-2 has it: ½x(1 + tanh u) with u = √(2/π)(x + 0.044715x³).

    private static double[][] gelu(double[][] x) {
        double[][] y = new double[x.length][];
        for (int t = 0; t < x.length; t++) {
            y[t] = Arrays.stream(x[t])
                    .map(value -> 0.5 * value * (1 + Math.tanh(inner(value))))
                    .toArray();
        }
        return y;
    }

    private static double[][] geluBackward(double[][] x, double[][] dy) {
        double[][] dx = new double[x.length][x[0].length];
        for (int t = 0; t < x.length; t++) {
            for (int i = 0; i < x[t].length; i++) {
                double value = x[t][i];
                double tanh = Math.tanh(inner(value));
                double dInner = GELU_SCALE * (1 + 3 * GELU_CUBE * value * value);
                dx[t][i] = dy[t][i] * (0.5 * (1 + tanh) + 0.5 * value * (1 - tanh * tanh) * dInner);
            }
        }
        return dx;
    }

    private static double inner(double x) {
        return GELU_SCALE * (x + GELU_CUBE * x * x * x);
    }

    // Arithmetic.

    private static double[] softmax(double[] scores) {
        double largest = Arrays.stream(scores).max().orElseThrow();
        double[] p =
                Arrays.stream(scores).map(score -> Math.exp(score - largest)).toArray();
        double sum = Arrays.stream(p).sum();
        return Arrays.stream(p).map(each -> each / sum).toArray();
    }

    private static double mean(double[] x) {
        return Arrays.stream(x).sum() / x.length;
    }

    private static double dot(double[] a, double[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }

    private static double[] sum(double[] a, double[] b) {
        double[] sum = new double[a.length];
        for (int i = 0; i < a.length; i++) {
            sum[i] = a[i] + b[i];
        }
        return sum;
    }

    private static double[][] sum(double[][] a, double[][] b) {
        double[][] sum = new double[a.length][];
        for (int t = 0; t < a.length; t++) {
            sum[t] = sum(a[t], b[t]);
        }
        return sum;
    }

    private double[] row(String name, int row) {
        return Arrays.copyOfRange(parameters.get(name), row * config.width(), (row + 1) * config.width());
    }

    private void addTo(String name, int row, double[] values) {
        for (int i = 0; i < values.length; i++) {
            gradients.get(name)[row * config.width() + i] += values[i];
        }
    }

    private static int[] part(int[] values, Batch batch, int row) {
        return Arrays.copyOfRange(values, row * batch.length(), (row + 1) * batch.length());
    }
}

package io.bardstream.gpt;

import io.bardstream.checkpoint.HuggingFaceFormat;
import io.bardstream.checkpoint.ModelConfig;
import io.bardstream.checkpoint.SafeTensorsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;

/** GPT-2's forward pass in plain Java and double precision, formula by formula: what the tests hold the engine against. */
final class GptInJava {
    private final GptConfig config;
    private final Map<String, float[]> parameters = new LinkedHashMap<>();
    private final ModelConfig model;

    /** Random weights, large enough that attention is far from uniform. */
    GptInJava(GptConfig config, long seed) {
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
        HuggingFaceFormat.shapes(model).forEach((name, shape) -> {
            long size = 1;
            for (long dimension : shape) {
                size *= dimension;
            }
            float[] values = new float[(int) size];
            for (int i = 0; i < values.length; i++) {
                double centre = name.matches(".*ln_.\\.weight") ? 1 : 0;
                values[i] = (float) (centre + random.nextGaussian() * 0.3);
            }
            parameters.put(name, values);
        });
    }

    /** Writes the weights as a Hugging Face folder without a tokenizer. */
    Path save(Path folder) throws IOException {
        Files.writeString(folder.resolve(HuggingFaceFormat.CONFIG), model.toJson());
        SafeTensorsWriter writer = new SafeTensorsWriter();
        Map<String, long[]> shapes = HuggingFaceFormat.shapes(model);
        parameters.forEach((name, values) -> writer.add(name, values, shapes.get(name)));
        writer.write(folder.resolve(HuggingFaceFormat.WEIGHTS));
        return folder;
    }

    /** The logits after each of the tokens. (T, V) */
    double[][] logits(int... tokens) {
        int c = config.width();
        double[][] x = new double[tokens.length][c];
        for (int t = 0; t < tokens.length; t++) {
            for (int i = 0; i < c; i++) {
                x[t][i] = parameter("wte.weight")[tokens[t] * c + i] + parameter("wpe.weight")[t * c + i];
            }
        }
        for (int layer = 0; layer < config.layers(); layer++) {
            String block = "h." + layer + ".";
            add(x, linear(attention(linear(norm(x, block + "ln_1"), block + "attn.c_attn")), block + "attn.c_proj"));
            add(x, linear(gelu(linear(norm(x, block + "ln_2"), block + "mlp.c_fc")), block + "mlp.c_proj"));
        }
        return head(norm(x, "ln_f"));
    }

    private float[] parameter(String name) {
        return parameters.get("transformer." + name);
    }

    private double[][] norm(double[][] x, String name) {
        double[][] y = new double[x.length][config.width()];
        for (int t = 0; t < x.length; t++) {
            double mean = 0;
            for (double value : x[t]) {
                mean += value / config.width();
            }
            double variance = 0;
            for (double value : x[t]) {
                variance += (value - mean) * (value - mean) / config.width();
            }
            for (int i = 0; i < config.width(); i++) {
                y[t][i] = (x[t][i] - mean) / Math.sqrt(variance + 1e-5) * parameter(name + ".weight")[i]
                        + parameter(name + ".bias")[i];
            }
        }
        return y;
    }

    private double[][] linear(double[][] x, String name) {
        float[] weight = parameter(name + ".weight"); // (in, out)
        float[] bias = parameter(name + ".bias");
        double[][] y = new double[x.length][bias.length];
        for (int t = 0; t < x.length; t++) {
            for (int o = 0; o < bias.length; o++) {
                double sum = bias[o];
                for (int i = 0; i < x[t].length; i++) {
                    sum += x[t][i] * weight[i * bias.length + o];
                }
                y[t][o] = sum;
            }
        }
        return y;
    }

    private double[][] attention(double[][] qkv) {
        int d = config.headWidth();
        double[][] y = new double[qkv.length][config.width()];
        for (int head = 0; head < config.heads(); head++) {
            int q = head * d;
            int k = config.width() + q;
            int v = 2 * config.width() + q;
            for (int t = 0; t < qkv.length; t++) {
                double[] weights = new double[t + 1];
                double sum = 0;
                for (int s = 0; s <= t; s++) {
                    double score = 0;
                    for (int i = 0; i < d; i++) {
                        score += qkv[t][q + i] * qkv[s][k + i];
                    }
                    weights[s] = Math.exp(score / Math.sqrt(d));
                    sum += weights[s];
                }
                for (int s = 0; s <= t; s++) {
                    for (int i = 0; i < d; i++) {
                        y[t][q + i] += weights[s] / sum * qkv[s][v + i];
                    }
                }
            }
        }
        return y;
    }

    private static double[][] gelu(double[][] x) {
        for (double[] row : x) {
            for (int i = 0; i < row.length; i++) {
                double inner = Math.sqrt(2 / Math.PI) * (row[i] + 0.044715 * row[i] * row[i] * row[i]);
                row[i] = 0.5 * row[i] * (1 + Math.tanh(inner));
            }
        }
        return x;
    }

    private double[][] head(double[][] x) {
        double[][] logits = new double[x.length][config.vocabularySize()];
        for (int t = 0; t < x.length; t++) {
            for (int token = 0; token < config.vocabularySize(); token++) {
                for (int i = 0; i < config.width(); i++) {
                    logits[t][token] += x[t][i] * parameter("wte.weight")[token * config.width() + i];
                }
            }
        }
        return logits;
    }

    private static void add(double[][] x, double[][] y) {
        for (int t = 0; t < x.length; t++) {
            for (int i = 0; i < x[t].length; i++) {
                x[t][i] += y[t][i];
            }
        }
    }
}

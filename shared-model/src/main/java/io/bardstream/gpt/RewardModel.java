package io.bardstream.gpt;

import ai.djl.ndarray.NDArray;
import io.bardstream.checkpoint.HuggingFaceFormat;
import io.bardstream.checkpoint.ModelConfig;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.Precision;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * A judge of texts: it reads prompt and response together, and its reward is the number at the last token, scaled to mean
 * 0 and deviation 1 over the samples of the policy it was trained for (Ziegler et al. 2019, section 2.1).
 *
 * <p>Not for several threads at once. Closing it frees the weights.
 */
public final class RewardModel implements AutoCloseable {
    /** Tokens of one forward pass, filling included. */
    private static final int TOKENS = 8_192;

    private final Gpt gpt;
    private final ModelConfig.RewardScale scale;

    private RewardModel(Gpt gpt, ModelConfig.RewardScale scale) {
        this.gpt = gpt;
        this.scale = scale;
    }

    /**
     * Loads a checkpoint folder of stage REWARD.
     *
     * @throws IllegalArgumentException if the folder's model has no reward
     */
    public static RewardModel load(Path checkpointFolder, Compute compute) throws IOException {
        ModelConfig stored = HuggingFaceFormat.readConfig(checkpointFolder);
        if (stored.reward() == null) {
            throw new IllegalArgumentException(
                    checkpointFolder + " is no reward model: its config.json has no reward_gain");
        }
        return new RewardModel(Gpt.loadWithScalarHead(checkpointFolder, compute), stored.reward());
    }

    public GptConfig config() {
        return gpt.config();
    }

    public ModelConfig.RewardScale scale() {
        return scale;
    }

    /**
     * The reward of each text, prompt and response in one.
     *
     * @throws IllegalArgumentException if one is empty or longer than the context
     */
    public double[] rewards(List<int[]> texts) {
        double[] scores = scores(gpt, texts);
        return Arrays.stream(scores).map(scale::of).toArray();
    }

    /** The scores, not scaled, of texts by a model that is perhaps still in training. */
    public static double[] scores(Gpt gpt, List<int[]> texts) {
        double[] scores = new double[texts.size()];
        read(gpt, texts, (hidden, rows, first) -> {
            float[] values = gpt.scalarHead().forward(hidden).toFloatArray(); // (B·T)
            for (int row = 0; row < rows.rows(); row++) {
                scores[first + row] = values[rows.last(row)];
            }
        });
        return scores;
    }

    /** The hidden state at the last token of each text: what a head scores. */
    public static double[][] features(Gpt gpt, List<int[]> texts) {
        int width = gpt.config().width();
        double[][] features = new double[texts.size()][width];
        read(gpt, texts, (hidden, rows, first) -> {
            float[] all =
                    gpt.compute().kernels().cast(hidden, Precision.FLOAT32).toFloatArray(); // (B·T, C)
            for (int row = 0; row < rows.rows(); row++) {
                for (int i = 0; i < width; i++) {
                    features[first + row][i] = all[rows.last(row) * width + i];
                }
            }
        });
        return features;
    }

    /** Takes the hidden states (B·T, C) of some texts, of which the first is number {@code first}. */
    @FunctionalInterface
    private interface Reader {
        void take(NDArray hidden, TokenRows rows, int first);
    }

    private static void read(Gpt gpt, List<int[]> texts, Reader reader) {
        int longest = texts.stream().mapToInt(text -> text.length).max().orElse(1);
        int rows = Math.max(1, TOKENS / Math.max(1, longest));
        for (int first = 0; first < texts.size(); first += rows) {
            TokenRows batch = TokenRows.of(texts.subList(first, Math.min(first + rows, texts.size())), 0);
            try (ForwardPass pass = ForwardPass.inference(gpt.compute())) {
                reader.take(gpt.forward(batch.array(pass), pass), batch, first);
            }
        }
    }

    @Override
    public void close() {
        gpt.close();
    }
}

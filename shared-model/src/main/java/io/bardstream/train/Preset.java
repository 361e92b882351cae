package io.bardstream.train;

import io.bardstream.event.Hyperparameters;
import io.bardstream.gpt.GptConfig;
import java.util.List;

/**
 * A named model with its vocabulary and training defaults: the one place where these numbers stand. How they were found
 * is in docs/experiments.md.
 *
 * @param name what {@code --preset} takes
 * @param config the model's shape; its vocabulary size gives way to that of the tokenizer at hand
 * @param gpt2Vocabulary whether the vocabulary is OpenAI's of 50,257; otherwise an own one of {@code
 *     config.vocabularySize()} is trained
 * @param pretraining how it is pretrained unless a request says otherwise
 */
public record Preset(String name, GptConfig config, boolean gpt2Vocabulary, Hyperparameters pretraining) {
    /** Two processor cores, minutes. */
    public static final Preset TINY = new Preset(
            "tiny",
            new GptConfig(4, 4, 128, 128, 1_024),
            false,
            hyperparameters("muon", 1e-2, 2e-2, 0, "linear", 10, 1_000, 16, 1, 128, 0, 100, 0, 250, 250, 0));

    /** A patient processor, or any GPU. */
    public static final Preset BABY = new Preset(
            "baby",
            new GptConfig(6, 6, 384, 256, 4_096),
            false,
            hyperparameters("muon", 5e-3, 2e-2, 0, "linear", 20, 1_000, 8, 1, 256, 0.2, 100, 0, 250, 250, 0));

    /** One consumer GPU of 16 GB; 124 million parameters. */
    public static final Preset GPT2 =
            new Preset("gpt2", new GptConfig(12, 12, 768, 1_024, 50_257), true, openWebText(6e-4));

    public static final Preset GPT2_MEDIUM =
            new Preset("gpt2-medium", new GptConfig(24, 16, 1_024, 1_024, 50_257), true, openWebText(3e-4));
    public static final Preset GPT2_LARGE =
            new Preset("gpt2-large", new GptConfig(36, 20, 1_280, 1_024, 50_257), true, openWebText(2.5e-4));
    public static final Preset GPT2_XL =
            new Preset("gpt2-xl", new GptConfig(48, 25, 1_600, 1_024, 50_257), true, openWebText(2e-4));

    private static final List<Preset> ALL = List.of(TINY, BABY, GPT2, GPT2_MEDIUM, GPT2_LARGE, GPT2_XL);

    /**
     * The preset of that name.
     *
     * @throws IllegalArgumentException listing the names there are
     */
    public static Preset of(String name) {
        return ALL.stream()
                .filter(preset -> preset.name.equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("preset is '" + name + "'; there are " + names()));
    }

    /** All names, smallest model first. */
    public static List<String> names() {
        return ALL.stream().map(Preset::name).toList();
    }

    /**
     * nanoGPT's settings for OpenWebText, half a million tokens a step, at the learning rates of Brown et al. 2020,
     * table 2.1.
     */
    private static Hyperparameters openWebText(double learningRate) {
        return hyperparameters(
                "adamw", learningRate, 2e-2, 0.1, "cosine", 700, 19_000, 8, 60, 1_024, 0, 250, 50, 1_000, 1_000, 0);
    }

    /**
     * What differs between presets; weight decay, betas, epsilon and clipping are those of Brown et al. 2020, appendix
     * B. Number format and threads are those of the machine, once a request is resolved.
     */
    private static Hyperparameters hyperparameters(
            String optimizer,
            double learningRate,
            double muonLearningRate,
            double minLearningRate,
            String schedule,
            int warmupSteps,
            int steps,
            int batchSize,
            int gradientAccumulation,
            int contextLength,
            double dropout,
            int evaluationInterval,
            int evaluationBatches,
            int checkpointInterval,
            int sampleInterval,
            int patience) {
        return new Hyperparameters(
                optimizer,
                learningRate,
                muonLearningRate,
                minLearningRate,
                schedule,
                warmupSteps,
                steps,
                batchSize,
                gradientAccumulation,
                contextLength,
                0.1,
                0.9,
                0.95,
                1e-8,
                1.0,
                dropout,
                evaluationInterval,
                evaluationBatches,
                checkpointInterval,
                sampleInterval,
                "bfloat16",
                1,
                patience);
    }
}

package io.bardstream.train;

import io.bardstream.event.Hyperparameters;
import io.bardstream.gpt.GptConfig;
import java.util.List;

/** The named models with their vocabularies and training defaults: the one place where these numbers stand. */
public enum Presets {
    /** Two processor cores, minutes. */
    TINY("tiny", new GptConfig(4, 4, 128, 128, 1_024), false, tiny()),
    /** A patient processor, or any GPU. */
    BABY("baby", new GptConfig(6, 6, 384, 256, 4_096), false, baby()),
    /** One consumer GPU of 16 GB; 124 million parameters. */
    GPT2("gpt2", new GptConfig(12, 12, 768, 1_024, 50_257), true, gpt2(6e-4)),
    GPT2_MEDIUM("gpt2-medium", new GptConfig(24, 16, 1_024, 1_024, 50_257), true, gpt2(3e-4)),
    GPT2_LARGE("gpt2-large", new GptConfig(36, 20, 1_280, 1_024, 50_257), true, gpt2(2.5e-4)),
    GPT2_XL("gpt2-xl", new GptConfig(48, 25, 1_600, 1_024, 50_257), true, gpt2(2e-4));

    private final String label;
    private final GptConfig config;
    private final boolean gpt2Vocabulary;
    private final Hyperparameters pretraining;

    Presets(String label, GptConfig config, boolean gpt2Vocabulary, Hyperparameters pretraining) {
        this.label = label;
        this.config = config;
        this.gpt2Vocabulary = gpt2Vocabulary;
        this.pretraining = pretraining;
    }

    /**
     * The preset of that name.
     *
     * @throws IllegalArgumentException listing the names there are
     */
    public static Presets of(String name) {
        for (Presets preset : values()) {
            if (preset.label.equals(name)) {
                return preset;
            }
        }
        throw new IllegalArgumentException("preset is '" + name + "'; there are " + names());
    }

    public static List<String> names() {
        return List.of(values()).stream().map(Presets::label).toList();
    }

    /** The name that {@link #of} takes. */
    public String label() {
        return label;
    }

    /** The model's shape; its vocabulary size gives way to that of the tokenizer at hand. */
    public GptConfig config() {
        return config;
    }

    /** Whether the vocabulary is OpenAI's of 50,257; otherwise an own one of {@code config().vocabularySize()} is trained. */
    public boolean gpt2Vocabulary() {
        return gpt2Vocabulary;
    }

    /** How it is pretrained unless a request says otherwise. */
    public Hyperparameters pretraining() {
        return pretraining;
    }

    private static Hyperparameters tiny() {
        return new Hyperparameters(
                "muon",
                1e-2,
                2e-2,
                0.0,
                "linear",
                20,
                750,
                16,
                1,
                128,
                0.1,
                0.9,
                0.95,
                1e-8,
                1.0,
                0.0,
                75,
                0,
                150,
                150,
                "bfloat16",
                0);
    }

    private static Hyperparameters baby() {
        return new Hyperparameters(
                "muon",
                4e-3,
                2e-2,
                0.0,
                "linear",
                50,
                2_000,
                16,
                1,
                256,
                0.1,
                0.9,
                0.95,
                1e-8,
                1.0,
                0.2,
                100,
                0,
                500,
                200,
                "bfloat16",
                8);
    }

    /** Learning rates of Brown et al. 2020, table 2.1; half a million tokens a step. */
    private static Hyperparameters gpt2(double learningRate) {
        return new Hyperparameters(
                "adamw",
                learningRate,
                2e-2,
                0.1,
                "cosine",
                700,
                19_000,
                8,
                60,
                1_024,
                0.1,
                0.9,
                0.95,
                1e-8,
                1.0,
                0.0,
                250,
                50,
                1_000,
                1_000,
                "bfloat16",
                0);
    }
}

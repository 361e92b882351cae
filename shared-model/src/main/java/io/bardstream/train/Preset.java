package io.bardstream.train;

import static java.util.Map.entry;

import io.bardstream.event.DpoSettings;
import io.bardstream.event.Hyperparameters;
import io.bardstream.event.PpoSettings;
import io.bardstream.gpt.GptConfig;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/**
 * A named model with its vocabulary and training defaults: the one place where these numbers stand. How they were found
 * is in docs/experiments.md.
 *
 * @param name what {@code --preset} takes
 * @param config the model's shape; its vocabulary size gives way to that of the tokenizer at hand
 * @param gpt2Vocabulary whether the vocabulary is OpenAI's of 50,257; otherwise an own one of {@code
 *     config.vocabularySize()} is trained
 * @param pretraining how it is pretrained unless a request says otherwise
 * @param instructing how it is fine-tuned on instructions; the steps follow from the epochs and the instructions
 * @param instructionEpochs how often it sees each instruction
 */
public record Preset(
        String name,
        GptConfig config,
        boolean gpt2Vocabulary,
        Hyperparameters pretraining,
        Hyperparameters instructing,
        int instructionEpochs) {
    private static final Hyperparameters SMALL = Hyperparameters.DEFAULTS.with(Map.ofEntries(
            entry("optimizer", "muon"),
            entry("muon_learning_rate", 2e-2),
            entry("min_learning_rate", 0),
            entry("schedule", "linear"),
            entry("steps", 1_000),
            entry("gradient_accumulation", 1),
            entry("evaluation_interval", 100),
            entry("evaluation_batches", 0),
            entry("checkpoint_interval", 250),
            entry("sample_interval", 250),
            entry("patience", 4)));

    private static final Map<String, Object> INSTRUCTING = Map.ofEntries(
            entry("optimizer", "adamw"),
            entry("schedule", "linear"),
            entry("min_learning_rate", 0),
            entry("warmup_steps", 10),
            entry("batch_size", 8),
            entry("gradient_accumulation", 1),
            entry("evaluation_batches", 0),
            entry("checkpoint_interval", 250),
            entry("patience", 3));

    /** Two processor cores, minutes. */
    public static final Preset TINY = of(
            "tiny",
            new GptConfig(4, 4, 128, 128, 1_024),
            false,
            SMALL.with(Map.ofEntries(
                    entry("learning_rate", 1e-2),
                    entry("warmup_steps", 10),
                    entry("batch_size", 16),
                    entry("context_length", 128))),
            2e-3,
            3);

    /** A patient processor, or any GPU. */
    public static final Preset BABY = of(
            "baby",
            new GptConfig(6, 6, 384, 256, 4_096),
            false,
            SMALL.with(Map.ofEntries(
                    entry("learning_rate", 5e-3),
                    entry("warmup_steps", 20),
                    entry("batch_size", 8),
                    entry("context_length", 256),
                    entry("dropout", 0.2))),
            5e-4,
            4);

    /** One consumer GPU of 16 GB; 124 million parameters. */
    public static final Preset GPT2 = openAi("gpt2", new GptConfig(12, 12, 768, 1_024, 50_257), 6e-4);

    public static final Preset GPT2_MEDIUM = openAi("gpt2-medium", new GptConfig(24, 16, 1_024, 1_024, 50_257), 3e-4);
    public static final Preset GPT2_LARGE = openAi("gpt2-large", new GptConfig(36, 20, 1_280, 1_024, 50_257), 2.5e-4);
    public static final Preset GPT2_XL = openAi("gpt2-xl", new GptConfig(48, 25, 1_600, 1_024, 50_257), 2e-4);

    private static final List<Preset> ALL = List.of(TINY, BABY, GPT2, GPT2_MEDIUM, GPT2_LARGE, GPT2_XL);

    /**
     * How the policy is trained by PPO. Its critic, which begins with a head of zeros, learns at three times the common rate.
     *
     * <p>A model of an own vocabulary is small, its answers are short and its run is: it learns at half the rate, going
     * over its rollouts twice, and KL is dear from the beginning, because there is no time to come back from where it
     * should not have gone. Of a large one the upper two layers learn, as in trlX's examples: optimizer, gradients and
     * activations of the others would not fit beside them.
     */
    public Hyperparameters ppo() {
        Hyperparameters common = aligning();
        Hyperparameters large = common.with(Map.of("steps", 200, "warmup_steps", 0))
                .with(PpoSettings.DEFAULTS)
                .with(Map.of("critic_learning_rate", 3 * common.learningRate()));
        return gpt2Vocabulary
                ? large.with(Map.of("num_layers_unfrozen", 2))
                : large.with(Map.of(
                        "steps", 20,
                        "learning_rate", common.learningRate() / 2,
                        "ppo_epochs", 2,
                        "kl_coefficient", 0.4,
                        "kl_target", 2));
    }

    /** How the policy is trained by DPO: at a quarter of the common rate, past which reward falls as KL grows. */
    public Hyperparameters dpo() {
        Hyperparameters common = aligning();
        return common.with(DpoSettings.DEFAULTS).with(Map.of("learning_rate", common.learningRate() / 4));
    }

    /** What aligning a policy has in common: AdamW with lm-human-preferences' epsilon, and nothing dropped or decayed. */
    private Hyperparameters aligning() {
        return pretraining.with(Map.ofEntries(
                entry("optimizer", "adamw"),
                entry("learning_rate", Math.min(1e-3, 1e-5 * Math.pow(768.0 / config.width(), 2))),
                entry("min_learning_rate", 0),
                entry("schedule", "linear"),
                entry("batch_size", 16),
                entry("gradient_accumulation", 1),
                entry("weight_decay", 0),
                entry("epsilon", 1e-5),
                entry("dropout", 0),
                entry("evaluation_interval", 10),
                entry("checkpoint_interval", 10),
                entry("sample_interval", 10),
                entry("patience", 0)));
    }

    /** The preset whose shape is nearest to this one's: for trainings that go on from a model of any origin. */
    public static Preset like(GptConfig shape) {
        return ALL.stream()
                .min(Comparator.comparingDouble(preset ->
                        Math.abs(Math.log((double) preset.config().parameterCount() / shape.parameterCount()))))
                .orElseThrow();
    }

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

    /** One of OpenAI's shapes, at the learning rate of Brown et al. 2020, table 2.1. */
    private static Preset openAi(String name, GptConfig config, double learningRate) {
        return of(name, config, true, Hyperparameters.DEFAULTS.with(Map.of("learning_rate", learningRate)), 2e-5, 2);
    }

    private static Preset of(
            String name,
            GptConfig config,
            boolean gpt2Vocabulary,
            Hyperparameters pretraining,
            double instructionRate,
            int instructionEpochs) {
        Hyperparameters instructing = pretraining.with(INSTRUCTING).with(Map.of("learning_rate", instructionRate));
        return new Preset(name, config, gpt2Vocabulary, pretraining, instructing, instructionEpochs);
    }
}

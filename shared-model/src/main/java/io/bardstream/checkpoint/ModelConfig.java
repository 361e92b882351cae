package io.bardstream.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;

/**
 * A GPT-2's {@code config.json}, with the keys of Hugging Face's {@code GPT2Config}: what the weights beside it mean.
 *
 * <p>Reading accepts every GPT-2 that this engine computes exactly as Hugging Face does, and refuses by name what would
 * silently give other logits: another activation, another width of the MLP, another epsilon of the norms, unscaled or
 * per-layer scaled attention, cross attention, a head of its own.
 *
 * @param vocabularySize rows of the token embedding; not padded
 * @param contextLength positions, {@code n_positions} and {@code n_ctx}
 * @param width {@code n_embd}
 * @param layers {@code n_layer}
 * @param heads {@code n_head}; divides the width
 * @param endOfText id that ends a text, {@code bos_token_id} and {@code eos_token_id}
 * @param pad id that fills up short rows, or null
 * @param dropout the rate trained with on residuals and embeddings; attention probabilities are not dropped
 * @param reward what turns the score into a reward; null where the model is no reward model
 * @param labels what its head labels texts with, by number; null where the model is no classifier
 */
public record ModelConfig(
        int vocabularySize,
        int contextLength,
        int width,
        int layers,
        int heads,
        int endOfText,
        Integer pad,
        double dropout,
        RewardScale reward,
        List<String> labels) {

    /**
     * The line by which a reward model's score, the number that its head computes, becomes a reward of mean 0 and deviation
     * 1 over the reference policy's samples: gain·score + bias. transformers, which does not know it, gives the score.
     */
    public record RewardScale(double gain, double bias) {
        public RewardScale {
            if (!(gain > 0) || !Double.isFinite(gain) || !Double.isFinite(bias)) {
                throw new IllegalArgumentException(
                        "reward_gain is %s and reward_bias %s, expected are a positive and a finite number"
                                .formatted(gain, bias));
            }
        }

        public double of(double score) {
            return gain * score + bias;
        }
    }

    /** GPT-2's. */
    public static final double LAYER_NORM_EPSILON = 1e-5;

    private static final String ACTIVATION = "gelu_new";
    private static final String MODEL_TYPE = "gpt2";
    private static final String CLASSIFIER = "GPT2ForSequenceClassification";

    public ModelConfig {
        labels = labels == null ? null : List.copyOf(labels);
        positive(vocabularySize, "vocab_size");
        positive(contextLength, "n_positions");
        positive(width, "n_embd");
        positive(layers, "n_layer");
        positive(heads, "n_head");
        if (width % heads != 0) {
            throw new IllegalArgumentException("n_embd %d does not divide by n_head %d".formatted(width, heads));
        }
        tokenInside(endOfText, vocabularySize, "eos_token_id");
        if (pad != null) {
            tokenInside(pad, vocabularySize, "pad_token_id");
        }
        if (!(dropout >= 0 && dropout < 1)) {
            throw new IllegalArgumentException(
                    "resid_pdrop is %s, expected is at least 0 and below 1".formatted(dropout));
        }
    }

    /** A GPT-2 that predicts tokens. */
    public ModelConfig(
            int vocabularySize,
            int contextLength,
            int width,
            int layers,
            int heads,
            int endOfText,
            Integer pad,
            double dropout) {
        this(vocabularySize, contextLength, width, layers, heads, endOfText, pad, dropout, null, null);
    }

    /** A GPT-2 of this shape without dropout. */
    public static ModelConfig of(
            int vocabularySize, int contextLength, int width, int layers, int heads, int endOfText, Integer pad) {
        return new ModelConfig(vocabularySize, contextLength, width, layers, heads, endOfText, pad, 0);
    }

    /** The text of {@code config.json}. */
    public String toJson() {
        ObjectNode json = FolderJson.object();
        ((ArrayNode) json.withArray("architectures"))
                .add(reward == null && labels == null ? "GPT2LMHeadModel" : CLASSIFIER);
        json.put("model_type", MODEL_TYPE)
                .put("activation_function", ACTIVATION)
                .put("attn_pdrop", 0.0)
                .put("bos_token_id", endOfText)
                .put("dtype", "float32")
                .put("embd_pdrop", dropout)
                .put("eos_token_id", endOfText)
                .put("initializer_range", 0.02)
                .put("layer_norm_epsilon", LAYER_NORM_EPSILON)
                .put("n_ctx", contextLength)
                .put("n_embd", width)
                .put("n_head", heads)
                .putNull("n_inner")
                .put("n_layer", layers)
                .put("n_positions", contextLength)
                .put("reorder_and_upcast_attn", false)
                .put("resid_pdrop", dropout)
                .put("scale_attn_by_inverse_layer_idx", false)
                .put("scale_attn_weights", true)
                .put("tie_word_embeddings", true)
                .put("torch_dtype", "float32")
                .put("use_cache", true)
                .put("vocab_size", vocabularySize);
        if (pad != null) {
            json.put("pad_token_id", pad);
        }
        if (reward != null) {
            json.withObject("/id2label").put("0", "reward");
            json.withObject("/label2id").put("reward", 0);
            json.put("reward_gain", reward.gain()).put("reward_bias", reward.bias());
        }
        if (labels != null) {
            json.put("problem_type", "single_label_classification");
            for (int i = 0; i < labels.size(); i++) {
                json.withObject("/id2label").put(Integer.toString(i), labels.get(i));
                json.withObject("/label2id").put(labels.get(i), i);
            }
        }
        return FolderJson.text(json);
    }

    /** The same model with a score whose scale is this. */
    public ModelConfig withReward(RewardScale scale) {
        return new ModelConfig(
                vocabularySize, contextLength, width, layers, heads, endOfText, pad, dropout, scale, null);
    }

    /** The same model with a head that labels texts. */
    public ModelConfig withLabels(List<String> names) {
        return new ModelConfig(
                vocabularySize, contextLength, width, layers, heads, endOfText, pad, dropout, null, names);
    }

    /** Numbers that its head computes of a hidden state, rows of {@code score.weight}. */
    int scores() {
        return labels == null ? 1 : labels.size();
    }

    /** The text of {@code generation_config.json}: a generation ends with the text, or with the turn where there is one. */
    String toGenerationJson(Integer endOfTurn) {
        ObjectNode json = FolderJson.object().put("bos_token_id", endOfText);
        if (endOfTurn != null) {
            ((ArrayNode) json.withArray("eos_token_id")).add(endOfText).add(endOfTurn);
        } else {
            json.put("eos_token_id", endOfText);
        }
        if (pad != null) {
            json.put("pad_token_id", pad);
        }
        return FolderJson.text(json);
    }

    /**
     * Reads a {@code config.json}; keys that are left out have the defaults of {@code GPT2Config}.
     *
     * @throws IllegalArgumentException naming the key whose value cannot be, or cannot be computed here
     */
    public static ModelConfig fromJson(String configJson) {
        JsonNode json;
        try {
            json = FolderJson.parse(configJson);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("config.json is not JSON: " + e.getOriginalMessage(), e);
        }
        if (json == null || !json.isObject()) {
            throw new IllegalArgumentException("config.json is not a JSON object");
        }
        only(json, "model_type", MODEL_TYPE);
        only(json, "activation_function", ACTIVATION);
        only(json, "scale_attn_weights", true);
        only(json, "scale_attn_by_inverse_layer_idx", false);
        only(json, "add_cross_attention", false);
        only(json, "tie_word_embeddings", true);
        double epsilon = number(json, "layer_norm_epsilon", LAYER_NORM_EPSILON);
        if (epsilon != LAYER_NORM_EPSILON) {
            throw new IllegalArgumentException(
                    "config.json has layer_norm_epsilon %s, supported is %s".formatted(epsilon, LAYER_NORM_EPSILON));
        }
        int width = integer(json, "n_embd", 768);
        int inner = integer(json, "n_inner", 4 * width);
        if (inner != 4 * width) {
            throw new IllegalArgumentException(
                    "config.json has n_inner %d, supported is 4 × n_embd = %d".formatted(inner, 4 * width));
        }
        int vocabularySize = integer(json, "vocab_size", 50_257);
        int contextLength = integer(json, "n_positions", integer(json, "n_ctx", 1_024));
        int eos = integer(json, "eos_token_id", Math.min(50_256, vocabularySize - 1));
        return new ModelConfig(
                vocabularySize,
                contextLength,
                width,
                integer(json, "n_layer", 12),
                integer(json, "n_head", 12),
                eos,
                json.path("pad_token_id").isIntegralNumber() ? integer(json, "pad_token_id", 0) : null,
                number(json, "resid_pdrop", 0.1),
                json.has("reward_gain")
                        ? new RewardScale(number(json, "reward_gain", 1), number(json, "reward_bias", 0))
                        : null,
                labels(json));
    }

    private static List<String> labels(JsonNode json) {
        JsonNode names = json.path("id2label");
        if (!json.path("architectures").path(0).asText().equals(CLASSIFIER)
                || json.has("reward_gain")
                || names.isEmpty()) {
            return null;
        }
        List<String> labels = new ArrayList<>();
        for (int i = 0; i < names.size(); i++) {
            JsonNode name = names.path(Integer.toString(i));
            if (!name.isTextual()) {
                throw new IllegalArgumentException(
                        "config.json has an id2label of %d labels without a text for %d".formatted(names.size(), i));
            }
            labels.add(name.textValue());
        }
        return labels;
    }

    private static void positive(int value, String key) {
        if (value <= 0) {
            throw new IllegalArgumentException("%s is %d, expected is a positive number".formatted(key, value));
        }
    }

    private static void tokenInside(int token, int vocabularySize, String key) {
        if (token < 0 || token >= vocabularySize) {
            throw new IllegalArgumentException(
                    "%s is %d, the vocabulary has the ids 0 to %d".formatted(key, token, vocabularySize - 1));
        }
    }

    private static void only(JsonNode json, String key, Object supported) {
        JsonNode value = json.path(key);
        if (!value.isMissingNode() && !value.isNull() && !value.asText().equals(supported.toString())) {
            throw new IllegalArgumentException(
                    "config.json has %s %s, supported is %s".formatted(key, value, supported));
        }
    }

    private static int integer(JsonNode json, String key, int otherwise) {
        JsonNode value = json.path(key);
        if (value.isMissingNode() || value.isNull()) {
            return otherwise;
        }
        if (!value.isIntegralNumber() || !value.canConvertToInt()) {
            throw new IllegalArgumentException("config.json has %s %s, expected is an integer".formatted(key, value));
        }
        return value.intValue();
    }

    private static double number(JsonNode json, String key, double otherwise) {
        JsonNode value = json.path(key);
        if (value.isMissingNode() || value.isNull()) {
            return otherwise;
        }
        if (!value.isNumber()) {
            throw new IllegalArgumentException("config.json has %s %s, expected is a number".formatted(key, value));
        }
        return value.doubleValue();
    }
}

package io.bardstream.checkpoint;

import io.bardstream.tokenizer.BpeTokenizer;
import io.bardstream.tokenizer.SpecialTokens;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * The folder that transformers, vLLM and llama.cpp load as a GPT-2: file names, tensor names and shapes.
 *
 * <p>Names and orientation are those of OpenAI's release as Hugging Face keeps it: the linear layers are {@code Conv1D},
 * whose weight is {@code [in, out]}, and the output head is the token embedding, so {@code lm_head.weight} is not stored.
 */
public final class HuggingFaceFormat {
    public static final String CONFIG = "config.json";
    public static final String GENERATION_CONFIG = "generation_config.json";
    public static final String WEIGHTS = "model.safetensors";
    public static final String TOKENIZER = "tokenizer.json";
    public static final String VOCABULARY = "vocab.json";
    public static final String MERGES = "merges.txt";
    public static final String TOKENIZER_CONFIG = "tokenizer_config.json";

    /** What is ours beside Hugging Face's: lineage, measurements, optimizer state. */
    public static final String LINEAGE = "run.json";

    public static final String METRICS = "metrics.json";
    public static final String OPTIMIZER = "optimizer.safetensors";

    static final String PREFIX = "transformer.";

    static final String EMBEDDING = PREFIX + "wte.weight";
    static final String HEAD = "lm_head.weight";

    /** A reward model's head, (1, width), as {@code GPT2ForSequenceClassification} with one label has it. */
    public static final String SCORE = "score.weight";

    /** Causal masks that older exports store as if they were weights. */
    private static final Pattern MASK = Pattern.compile("h\\.\\d+\\.attn\\.(masked_)?bias");

    private HuggingFaceFormat() {}

    /**
     * The text of a tokenizer's four files.
     *
     * @param endOfTurn the id that ends a turn of a conversation, or null where the vocabulary has none
     */
    public record TokenizerFiles(
            String tokenizerJson,
            String vocabularyJson,
            String mergesTxt,
            String tokenizerConfigJson,
            Integer endOfTurn) {
        public static TokenizerFiles of(BpeTokenizer tokenizer) {
            OptionalInt endOfTurn = tokenizer.specialToken(SpecialTokens.END_OF_TURN);
            return new TokenizerFiles(
                    tokenizer.toJson(),
                    tokenizer.vocabJson(),
                    tokenizer.mergesTxt(),
                    tokenizer.tokenizerConfigJson(),
                    endOfTurn.isPresent() ? endOfTurn.getAsInt() : null);
        }
    }

    /** Writes everything but the tensors and what is ours. */
    public static void writeDescription(Path folder, ModelConfig config, TokenizerFiles tokenizer) throws IOException {
        Files.writeString(folder.resolve(CONFIG), config.toJson());
        Files.writeString(folder.resolve(GENERATION_CONFIG), config.toGenerationJson(tokenizer.endOfTurn()));
        Files.writeString(folder.resolve(TOKENIZER), tokenizer.tokenizerJson());
        Files.writeString(folder.resolve(VOCABULARY), tokenizer.vocabularyJson());
        Files.writeString(folder.resolve(MERGES), tokenizer.mergesTxt());
        Files.writeString(folder.resolve(TOKENIZER_CONFIG), tokenizer.tokenizerConfigJson());
    }

    /**
     * Reads a folder's {@code config.json}.
     *
     * @throws IllegalArgumentException where the folder has none or it is no GPT-2 this engine computes
     */
    public static ModelConfig readConfig(Path folder) throws IOException {
        try {
            return ModelConfig.fromJson(Files.readString(folder.resolve(CONFIG)));
        } catch (NoSuchFileException e) {
            throw new IllegalArgumentException(
                    "%s has no %s: expected is a Hugging Face model folder".formatted(folder, CONFIG), e);
        }
    }

    /** Every tensor of a GPT-2 of this shape, by name, with its dimensions, in the order of the forward pass. */
    public static Map<String, long[]> shapes(ModelConfig config) {
        long width = config.width();
        Map<String, long[]> shapes = new LinkedHashMap<>();
        shapes.put(EMBEDDING, new long[] {config.vocabularySize(), width});
        shapes.put(PREFIX + "wpe.weight", new long[] {config.contextLength(), width});
        for (int layer = 0; layer < config.layers(); layer++) {
            String block = PREFIX + "h." + layer + ".";
            shapes.put(block + "ln_1.weight", new long[] {width});
            shapes.put(block + "ln_1.bias", new long[] {width});
            shapes.put(block + "attn.c_attn.weight", new long[] {width, 3 * width});
            shapes.put(block + "attn.c_attn.bias", new long[] {3 * width});
            shapes.put(block + "attn.c_proj.weight", new long[] {width, width});
            shapes.put(block + "attn.c_proj.bias", new long[] {width});
            shapes.put(block + "ln_2.weight", new long[] {width});
            shapes.put(block + "ln_2.bias", new long[] {width});
            shapes.put(block + "mlp.c_fc.weight", new long[] {width, 4 * width});
            shapes.put(block + "mlp.c_fc.bias", new long[] {4 * width});
            shapes.put(block + "mlp.c_proj.weight", new long[] {4 * width, width});
            shapes.put(block + "mlp.c_proj.bias", new long[] {width});
        }
        shapes.put(PREFIX + "ln_f.weight", new long[] {width});
        shapes.put(PREFIX + "ln_f.bias", new long[] {width});
        return shapes;
    }

    /**
     * Finds each tensor of {@link #shapes} in a file: canonical name to the name it has there. The prefix
     * {@code transformer.} may be missing; stored masks are passed over, and so is a stored head, which must have the
     * embedding's shape (it is tied: {@link ModelConfig#fromJson} refuses a head of its own), and a head that scores.
     *
     * @throws IllegalArgumentException naming the tensor that is missing, has another shape or type, or does not belong
     */
    public static Map<String, String> locate(SafeTensors file, ModelConfig config) {
        Map<String, TensorInfo> tensors = new LinkedHashMap<>();
        file.names().forEach(name -> tensors.put(name, file.info(name)));
        return locate(tensors, config);
    }

    /** {@link #locate(SafeTensors, ModelConfig)} of tensors by name, in whatever files they are. */
    static Map<String, String> locate(Map<String, TensorInfo> tensors, ModelConfig config) {
        boolean prefixed = tensors.containsKey(EMBEDDING);
        Map<String, String> stored = new LinkedHashMap<>();
        shapes(config).forEach((canonical, shape) -> {
            String name = prefixed ? canonical : canonical.substring(PREFIX.length());
            if (!tensors.containsKey(name)) {
                throw new IllegalArgumentException(
                        "the file has no tensor '%s', which %s asks for".formatted(name, CONFIG));
            }
            checkShape(tensors.get(name), shape);
            checkFloats(tensors.get(name));
            stored.put(canonical, name);
        });
        Set<String> known = Set.copyOf(stored.values());
        for (String name : tensors.keySet()) {
            String bare = prefixed && name.startsWith(PREFIX) ? name.substring(PREFIX.length()) : name;
            if (name.equals(HEAD)) {
                checkShape(tensors.get(name), new long[] {config.vocabularySize(), config.width()});
                checkFloats(tensors.get(name));
            } else if (name.equals(SCORE)) {
                checkShape(tensors.get(name), new long[] {config.scores(), config.width()});
                checkFloats(tensors.get(name));
            } else if (!known.contains(name) && !MASK.matcher(bare).matches()) {
                throw new IllegalArgumentException(
                        "the file has a tensor '%s', which a GPT-2 of the shape in %s has not".formatted(name, CONFIG));
            }
        }
        return stored;
    }

    private static void checkShape(TensorInfo info, long[] expected) {
        TensorInfo wanted = TensorInfo.of(info.name(), info.type(), expected);
        if (!info.shape().equals(wanted.shape())) {
            throw new IllegalArgumentException("tensor '%s' has shape %s, %s asks for %s"
                    .formatted(info.name(), info.shape(), CONFIG, wanted.shape()));
        }
    }

    private static void checkFloats(TensorInfo info) {
        if (!Floats.readable(info.type())) {
            throw new IllegalArgumentException(
                    "tensor '%s' is %s, expected is one of F32, F16, BF16, F64".formatted(info.name(), info.type()));
        }
    }
}

package io.bardstream.gpt;

import io.bardstream.checkpoint.ModelConfig;

/**
 * The shape of a GPT-2 (Radford et al. 2019): everything a checkpoint's config.json says about its tensors.
 *
 * @param layers transformer blocks
 * @param heads attention heads of a block; they divide the width evenly
 * @param width channels of the residual stream
 * @param contextLength most tokens a forward pass sees, the number of learned positions
 * @param vocabularySize token ids, 0 to this minus one
 */
public record GptConfig(int layers, int heads, int width, int contextLength, int vocabularySize) {
    public GptConfig {
        atLeastOne("layers", layers);
        atLeastOne("heads", heads);
        atLeastOne("width", width);
        atLeastOne("context_length", contextLength);
        atLeastOne("vocabulary_size", vocabularySize);
        if (width % heads != 0) {
            throw new IllegalArgumentException("width " + width + " is not divisible by heads " + heads
                    + "; every head takes an equal share of the width");
        }
    }

    /** The shape that a checkpoint's config states. */
    public static GptConfig of(ModelConfig stored) {
        return new GptConfig(
                stored.layers(), stored.heads(), stored.width(), stored.contextLength(), stored.vocabularySize());
    }

    private static void atLeastOne(String field, int value) {
        if (value < 1) {
            throw new IllegalArgumentException(field + " is " + value + "; it must be at least 1");
        }
    }

    /** Channels of one head, d_k of the attention formula. */
    public int headWidth() {
        return width / heads;
    }

    /** Trainable numbers; the head shares the token embedding. */
    public long parameterCount() {
        long c = width;
        long block = 12 * c * c + 13 * c;
        return (long) vocabularySize * c + (long) contextLength * c + layers * block + 2 * c;
    }

    /**
     * Floating-point operations of training on one token in sequences of {@code length}, as Chowdhery et al. 2022, appendix
     * B, count them: 6 for each parameter but the positions, and 12·L·C·T for attention, masked half included. Work that is
     * done twice, such as recomputation, counts once.
     */
    public double trainingFlopsPerToken(int length) {
        return 6.0 * (parameterCount() - (long) contextLength * width) + 12.0 * layers * width * length;
    }

    /** The same shape over another vocabulary. */
    public GptConfig withVocabularySize(int size) {
        return new GptConfig(layers, heads, width, contextLength, size);
    }
}

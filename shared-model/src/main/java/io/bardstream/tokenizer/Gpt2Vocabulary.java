package io.bardstream.tokenizer;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;

/**
 * OpenAI's GPT-2 vocabulary (see NOTICE beside the resource). The resource holds its 50,000 merges in order, each as
 * the ids of its two halves, unsigned 16-bit big-endian; the tokens follow from them.
 */
final class Gpt2Vocabulary {

    static final String RESOURCE = "gpt2-merges.bin";

    static final int MERGES = 50_000;

    private Gpt2Vocabulary() {}

    static Vocabulary read() {
        byte[] bytes;
        try (InputStream in = Gpt2Vocabulary.class.getResourceAsStream(RESOURCE)) {
            bytes = in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot read " + RESOURCE, e);
        }
        if (bytes.length != 4 * MERGES) {
            throw new IllegalStateException(
                    RESOURCE + " has " + bytes.length + " bytes, not " + 4 * MERGES + ": the jar is damaged");
        }
        int[] left = new int[MERGES];
        int[] right = new int[MERGES];
        for (int i = 0; i < MERGES; i++) {
            left[i] = ((bytes[4 * i] & 0xFF) << 8) | (bytes[4 * i + 1] & 0xFF);
            right[i] = ((bytes[4 * i + 2] & 0xFF) << 8) | (bytes[4 * i + 3] & 0xFF);
        }
        return Vocabulary.of(left, right, List.of(SpecialTokens.END_OF_TEXT));
    }
}

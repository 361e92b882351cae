package io.bardstream.trainer;

import java.util.Arrays;

/**
 * A prompt, and what a policy answered.
 *
 * @param prompt tokens that were given, at least one
 * @param tokens that were said, with the one that ends the response where it came to it; at least one
 * @param ended whether it did
 */
@SuppressWarnings("ArrayRecordComponent") // handed over, never compared
record Response(int[] prompt, int[] tokens, boolean ended) {
    /** Prompt and response, as reward and value model read them. */
    int[] text() {
        int[] text = Arrays.copyOf(prompt, prompt.length + tokens.length);
        System.arraycopy(tokens, 0, text, prompt.length, tokens.length);
        return text;
    }

    /** What was said, without the token that ends it. */
    int[] said() {
        return ended ? Arrays.copyOf(tokens, tokens.length - 1) : tokens;
    }
}

package io.bardstream.train;

import java.util.Arrays;

/**
 * A prompt, and what a policy answered.
 *
 * @param prompt tokens that were given, at least one
 * @param tokens that were said, with the one that ends the response where it came to it; at least one
 * @param ended whether it did
 */
@SuppressWarnings("ArrayRecordComponent") // handed over, never compared
public record Response(int[] prompt, int[] tokens, boolean ended) {
    /** Prompt and response, with its end. */
    public int[] text() {
        return behindPrompt(tokens);
    }

    /** Prompt and response without the token that ends it: what a judge reads, as it read what people judged. */
    public int[] judged() {
        return behindPrompt(said());
    }

    /** What was said, without the token that ends it. */
    public int[] said() {
        return ended ? Arrays.copyOf(tokens, tokens.length - 1) : tokens;
    }

    private int[] behindPrompt(int... response) {
        int[] text = Arrays.copyOf(prompt, prompt.length + response.length);
        System.arraycopy(response, 0, text, prompt.length, response.length);
        return text;
    }
}

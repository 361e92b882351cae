package io.bardstream.training;

import io.bardstream.event.GenerationRequest.Format;
import io.bardstream.event.Ids;
import io.bardstream.tokenizer.BpeTokenizer;
import io.bardstream.tokenizer.PromptTokens;
import java.nio.charset.StandardCharsets;
import java.util.stream.IntStream;

/**
 * Two responses to a prompt and what people thought of them: the votes that stand, of all annotators, in one.
 *
 * @param format how models were given the prompt, or null where that is not known
 * @param first a text; which of the two it is means nothing
 * @param preference share of the votes for the first, a tie counting half: 1, 0, or between where people disagree
 * @param votes how many there are, ties among them
 * @param checkpointFirst that wrote the first, or null where that is not known
 */
public record JudgedPair(
        String comparison,
        String prompt,
        Format format,
        String first,
        String second,
        String checkpointFirst,
        String checkpointSecond,
        double preference,
        int votes) {
    private static final int ONE_OF = 5;

    /** Whether one of the two won. */
    public boolean decided() {
        return preference != 0.5;
    }

    /** Whether the pair is kept from training, to be judged by what was trained on the others. */
    public boolean heldOut() {
        return isHeldOut(prompt);
    }

    /**
     * Whether pairs of this prompt are kept from training: a fifth of all prompts, by their sha256, so that a prompt is on one
     * side for good, whatever else is judged.
     */
    public static boolean isHeldOut(String prompt) {
        String digest = Ids.sha256(prompt.getBytes(StandardCharsets.UTF_8));
        return Long.parseLong(digest.substring(0, 8), 16) % ONE_OF == 0;
    }

    /** How models were given the prompt; as it is, where that is not known. */
    public Format given() {
        return format == null ? Format.RAW : format;
    }

    /** The prompt as a policy reads it. */
    public int[] promptTokens(BpeTokenizer tokenizer) {
        return PromptTokens.of(tokenizer, prompt, given());
    }

    /** Prompt and first text as a policy reads them. */
    public int[] firstTokens(BpeTokenizer tokenizer) {
        return tokens(tokenizer, first);
    }

    /** Prompt and second text as a policy reads them. */
    public int[] secondTokens(BpeTokenizer tokenizer) {
        return tokens(tokenizer, second);
    }

    private int[] tokens(BpeTokenizer tokenizer, String response) {
        return IntStream.concat(IntStream.of(promptTokens(tokenizer)), IntStream.of(tokenizer.encode(response)))
                .toArray();
    }
}

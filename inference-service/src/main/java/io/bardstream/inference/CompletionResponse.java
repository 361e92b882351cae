package io.bardstream.inference;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import java.util.Map;

/**
 * OpenAI's {@code text_completion} or {@code chat.completion}, whole or one chunk of a stream.
 *
 * @param choices           in the form of the answer
 * @param model             the name the request used
 * @param systemFingerprint id of the checkpoint that wrote it
 * @param usage             null in every chunk but the last of a stream that asks for it
 */
record CompletionResponse(
        String id,
        String object,
        long created,
        String model,
        String systemFingerprint,
        List<Object> choices,
        Usage usage) {

    static final String OBJECT = "text_completion";

    /** @param finishReason {@code stop} or {@code length}; null while it goes on */
    @JsonInclude(JsonInclude.Include.ALWAYS)
    record Choice(int index, String text, Logprobs logprobs, String finishReason) {}

    /**
     * One entry for each token. The first token of an echoed prompt has no logprob.
     *
     * @param topLogprobs logprobs of the likeliest tokens, by their text
     * @param textOffset  where each token's text begins in the choice's text, in UTF-16 code units
     */
    @JsonInclude(JsonInclude.Include.ALWAYS)
    record Logprobs(
            List<String> tokens,
            List<Double> tokenLogprobs,
            List<Map<String, Double>> topLogprobs,
            List<Integer> textOffset) {}

    /** Tokens read and written. */
    record Usage(int promptTokens, int completionTokens, int totalTokens) {
        static Usage of(int prompt, int completion) {
            return new Usage(prompt, completion, prompt + completion);
        }
    }
}

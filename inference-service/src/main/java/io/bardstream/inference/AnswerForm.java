package io.bardstream.inference;

import io.bardstream.inference.CompletionResponse.Logprobs;
import io.bardstream.inference.CompletionResponse.Usage;
import java.util.List;
import java.util.Optional;

/** How an answer is written: as OpenAI's text completion or as its chat completion, whole or in the chunks of a stream. */
interface AnswerForm {
    /** What is said of every answer and every chunk. */
    record Head(String id, long created, String model, String systemFingerprint) {}

    /** What the answer's id begins with. */
    String idPrefix();

    /** The chunk of a choice before its first text, if the form has one. */
    Optional<Object> opening(int index);

    /** A piece of a choice; without a finish reason while it goes on. */
    Object delta(int index, String text, Logprobs logprobs, String finishReason);

    /** A whole choice. */
    Object choice(int index, String text, Logprobs logprobs, String finishReason);

    Object chunk(Head head, List<Object> deltas, Usage usage);

    Object whole(Head head, List<Object> choices, Usage usage);
}

package io.bardstream.inference;

import io.bardstream.inference.CompletionResponse.Choice;
import io.bardstream.inference.CompletionResponse.Logprobs;
import io.bardstream.inference.CompletionResponse.Usage;
import java.util.List;
import java.util.Optional;

/** {@code text_completion}, whose chunks look like the whole. */
final class TextAnswer implements AnswerForm {
    @Override
    public String idPrefix() {
        return "cmpl-";
    }

    @Override
    public Optional<Object> opening(int index) {
        return Optional.empty();
    }

    @Override
    public Object delta(int index, String text, Logprobs logprobs, String finishReason) {
        return choice(index, text, logprobs, finishReason);
    }

    @Override
    public Object choice(int index, String text, Logprobs logprobs, String finishReason) {
        return new Choice(index, text, logprobs, finishReason);
    }

    @Override
    public Object chunk(Head head, List<Object> deltas, Usage usage) {
        return whole(head, deltas, usage);
    }

    @Override
    public Object whole(Head head, List<Object> choices, Usage usage) {
        return new CompletionResponse(
                head.id(),
                CompletionResponse.OBJECT,
                head.created(),
                head.model(),
                head.systemFingerprint(),
                choices,
                usage);
    }
}

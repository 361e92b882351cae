package io.bardstream.inference;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.bardstream.inference.CompletionResponse.Logprobs;
import io.bardstream.inference.CompletionResponse.Usage;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** {@code chat.completion}: a message, or deltas of which the first says whose it is. */
final class ChatAnswer implements AnswerForm {
    private static final String ASSISTANT = "assistant";

    /** {@code refusal} is always null, and always there. */
    @JsonInclude(JsonInclude.Include.ALWAYS)
    record Message(String role, String content, String refusal) {}

    /** A piece of a message. */
    record Delta(String role, String content) {}

    @JsonInclude(JsonInclude.Include.ALWAYS)
    record Choice(int index, Message message, Content logprobs, String finishReason) {}

    @JsonInclude(JsonInclude.Include.ALWAYS)
    record ChunkChoice(int index, Delta delta, Content logprobs, String finishReason) {}

    /** The logprobs of a message, token by token. */
    record Content(List<Token> content) {}

    /** A token with its logprob. {@code bytes} are those of its text. */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Token(String token, Double logprob, List<Integer> bytes, List<Token> topLogprobs) {}

    @Override
    public String idPrefix() {
        return "chatcmpl-";
    }

    @Override
    public Optional<Object> opening(int index) {
        return Optional.of(new ChunkChoice(index, new Delta(ASSISTANT, ""), null, null));
    }

    @Override
    public Object delta(int index, String text, Logprobs logprobs, String finishReason) {
        Delta delta = new Delta(null, text.isEmpty() && finishReason != null ? null : text);
        return new ChunkChoice(index, delta, content(logprobs), finishReason);
    }

    @Override
    public Object choice(int index, String text, Logprobs logprobs, String finishReason) {
        return new Choice(index, new Message(ASSISTANT, text, null), content(logprobs), finishReason);
    }

    @Override
    public Object chunk(Head head, List<Object> deltas, Usage usage) {
        return response(head, "chat.completion.chunk", deltas, usage);
    }

    @Override
    public Object whole(Head head, List<Object> choices, Usage usage) {
        return response(head, "chat.completion", choices, usage);
    }

    private static CompletionResponse response(Head head, String object, List<Object> choices, Usage usage) {
        return new CompletionResponse(
                head.id(), object, head.created(), head.model(), head.systemFingerprint(), choices, usage);
    }

    private static Content content(Logprobs logprobs) {
        if (logprobs == null) {
            return null;
        }
        List<Token> tokens = new ArrayList<>();
        for (int i = 0; i < logprobs.tokens().size(); i++) {
            tokens.add(token(
                    logprobs.tokens().get(i),
                    logprobs.tokenLogprobs().get(i),
                    likeliest(logprobs.topLogprobs().get(i))));
        }
        return new Content(tokens);
    }

    private static List<Token> likeliest(Map<String, Double> logprobs) {
        return logprobs.entrySet().stream()
                .map(entry -> token(entry.getKey(), entry.getValue(), null))
                .toList();
    }

    private static Token token(String text, Double logprob, List<Token> likeliest) {
        List<Integer> bytes = new ArrayList<>();
        for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
            bytes.add(Byte.toUnsignedInt(b));
        }
        return new Token(text, logprob, bytes, likeliest);
    }
}

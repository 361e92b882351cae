package io.bardstream.inference;

import com.fasterxml.jackson.databind.JsonNode;
import io.bardstream.event.InvalidFieldException;
import io.bardstream.tokenizer.ChatFormat.Message;
import io.bardstream.tokenizer.ChatFormat.Role;
import io.bardstream.tokenizer.Conversation;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;

/**
 * The body of {@code POST /v1/chat/completions}, read into a {@link CompletionRequest}: a conversation that ends with the
 * user's turn. Where no limit is given, the answer may take what the context has left.
 */
final class ChatRequest {
    private static final int MOST_MESSAGES = 1_000;
    private static final String DEVELOPER = "developer";

    private static final Set<String> KNOWN = Set.of(
            "model",
            "messages",
            "max_tokens",
            "max_completion_tokens",
            "temperature",
            "top_p",
            "top_k",
            "min_p",
            "n",
            "seed",
            "stop",
            "logprobs",
            "top_logprobs",
            "response_format",
            "stream",
            "stream_options",
            "presence_penalty",
            "frequency_penalty",
            "repetition_penalty",
            "logit_bias");

    private ChatRequest() {}

    /** @throws InvalidFieldException naming the field that is unknown, has the wrong type or an impossible value */
    static CompletionRequest parse(JsonNode json, int mostSequences) {
        Body body = new Body(json);
        body.refuseUnknown(KNOWN, CompletionRequest.WITHOUT_EFFECT);
        Body format = body.object("response_format");
        if (!format.text("type", "text").equals("text")) {
            throw new InvalidFieldException("response_format", "only text is served");
        }
        Prompt prompt = new Prompt.Chat(conversation(json.path("messages")));
        return CompletionRequest.of(
                body, List.of(prompt), mostTokens(body), logprobs(body), false, mostSequences, CompletionRequest.CHAT);
    }

    /** {@code max_completion_tokens} is OpenAI's newer name of {@code max_tokens}. */
    private static int mostTokens(Body body) {
        String name = body.has("max_completion_tokens") ? "max_completion_tokens" : "max_tokens";
        return body.integer(name, CompletionRequest.MOST_TOKENS, 1, CompletionRequest.MOST_TOKENS);
    }

    private static OptionalInt logprobs(Body body) {
        int likeliest = body.integer("top_logprobs", 0, 0, CompletionRequest.MOST_LOGPROBS);
        if (!body.flag("logprobs")) {
            if (body.has("top_logprobs")) {
                throw new InvalidFieldException("top_logprobs", "goes with logprobs true");
            }
            return OptionalInt.empty();
        }
        return OptionalInt.of(likeliest);
    }

    private static Conversation conversation(JsonNode messages) {
        if (!messages.isArray()) {
            throw new InvalidFieldException(
                    "messages",
                    messages.isMissingNode() ? "is missing" : "is " + Body.kind(messages) + "; expected a list");
        }
        if (messages.size() > MOST_MESSAGES) {
            throw new InvalidFieldException("messages", "has " + messages.size() + " turns; at most " + MOST_MESSAGES);
        }
        List<Message> turns = new ArrayList<>();
        for (int i = 0; i < messages.size(); i++) {
            turns.add(message(messages.get(i), "messages[" + i + "]"));
        }
        Conversation conversation = new Conversation(turns);
        if (conversation.last() != Role.USER) {
            throw new InvalidFieldException(
                    "messages", "end with the " + conversation.last().label() + "'s turn; the answer is to a user's");
        }
        return conversation;
    }

    private static Message message(JsonNode message, String at) {
        if (!message.isObject()) {
            throw new InvalidFieldException(
                    at, "is " + Body.kind(message) + "; expected an object of role and content");
        }
        for (Map.Entry<String, JsonNode> field : message.properties()) {
            if (!Set.of("role", "content", "name").contains(field.getKey())
                    && !field.getValue().isNull()) {
                throw new InvalidFieldException(at + "." + field.getKey(), "is not a field of a message here");
            }
        }
        String label = new Body(message).text("role", "");
        Role role = Role.of(label.equals(DEVELOPER) ? Role.SYSTEM.label() : label)
                .orElseThrow(() -> new InvalidFieldException(
                        at + ".role", "is '" + label + "'; the roles are system, user and assistant"));
        return new Message(role, text(message.path("content"), at + ".content"));
    }

    /** A text, or parts that are texts. */
    private static String text(JsonNode content, String field) {
        if (content.isTextual()) {
            return content.textValue();
        }
        if (!content.isArray()) {
            throw new InvalidFieldException(field, "is " + Body.kind(content) + "; expected a text");
        }
        StringBuilder text = new StringBuilder();
        for (JsonNode part : content) {
            if (!part.path("type").asText().equals("text") || !part.path("text").isTextual()) {
                throw new InvalidFieldException(field, "has a part that is no text; only texts are understood");
            }
            text.append(part.path("text").textValue());
        }
        return text.toString();
    }
}

package io.bardstream.tokenizer;

import io.bardstream.event.InvalidFieldException;
import io.bardstream.tokenizer.ChatFormat.Message;
import io.bardstream.tokenizer.ChatFormat.Role;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Turns in an order that a model can have learned: the system's, if any, first; then the person and the assistant in turns,
 * the person first. Every turn says something.
 */
public record Conversation(List<Message> messages) {
    /** @throws InvalidFieldException naming the turn that is wrong, as {@code messages[2].role} */
    public Conversation {
        messages = List.copyOf(messages);
        if (messages.isEmpty()) {
            throw new InvalidFieldException("messages", "is empty");
        }
        for (int i = 0; i < messages.size(); i++) {
            checkTurn(messages, i);
            checkText(messages.get(i).content(), "messages[" + i + "].content");
        }
    }

    private static void checkTurn(List<Message> messages, int i) {
        Role role = messages.get(i).role();
        Role before = i == 0 ? null : messages.get(i - 1).role();
        String problem =
                switch (role) {
                    case SYSTEM -> i == 0 ? null : "is system; a system turn can only be the first";
                    case USER -> before == Role.USER ? "is user after user; user and assistant take turns" : null;
                    case ASSISTANT ->
                        before == Role.USER
                                ? null
                                : "is assistant " + (before == null ? "at the beginning" : "after " + before.label())
                                        + "; the assistant answers a user";
                };
        if (problem != null) {
            throw new InvalidFieldException("messages[" + i + "].role", problem);
        }
    }

    /**
     * Checks that a text says something in whole characters.
     *
     * @throws InvalidFieldException naming {@code field}
     */
    public static void checkText(String text, String field) {
        if (text.isBlank()) {
            throw new InvalidFieldException(field, "is empty");
        }
        if (!StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
            throw new InvalidFieldException(field, "holds half a surrogate pair, which is no character");
        }
    }

    /** Whose turn came last. */
    public Role last() {
        return messages.get(messages.size() - 1).role();
    }
}

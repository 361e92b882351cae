package io.bardstream.corpus;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.bardstream.event.InvalidFieldException;
import io.bardstream.event.TokenBlock;
import io.bardstream.tokenizer.ChatFormat.Message;
import io.bardstream.tokenizer.ChatFormat.Role;
import io.bardstream.tokenizer.Conversation;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * One entry of a corpus of instructions. Three forms are known by their keys, and become a conversation that ends with the
 * assistant's turn:
 *
 * <ul>
 *   <li>Alpaca's: {@code instruction}, {@code output} and perhaps {@code input}, which follows the instruction after a blank
 *       line (Taori et al. 2023)
 *   <li>chat: {@code messages}, each of {@code role} and {@code content}
 *   <li>{@code prompt} and {@code completion}
 * </ul>
 *
 * Other keys of an entry (ids, sources, categories) are passed over; other keys of a message are refused, since they change
 * what is said.
 */
final class Instruction {
    /** A conversation lies whole in one block, and no token is shorter than a byte. */
    static final int MOST_BYTES = TokenBlock.MAX_TOKENS - 4_096;

    private static final int LONGEST_LABEL = 100;
    private static final int MOST_MESSAGES = 1_000;
    private static final Set<String> MESSAGE = Set.of("role", "content");

    private static final ObjectMapper JSON = JsonMapper.builder(JsonFactory.builder()
                    .disable(JsonFactory.Feature.CHARSET_DETECTION)
                    .streamReadConstraints(
                            StreamReadConstraints.builder().maxNestingDepth(64).build())
                    .build())
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private Instruction() {}

    /**
     * The conversation of an entry, as UTF-8 JSON.
     *
     * @throws InvalidFieldException saying what is wrong with it
     */
    static Conversation parse(byte[] entry) {
        Conversation conversation = new Conversation(messages(object(entry)));
        if (conversation.last() != Role.ASSISTANT) {
            throw new InvalidFieldException("messages", "end with the user's turn; the assistant's is what is learned");
        }
        return checkSize(conversation);
    }

    /**
     * The conversation of an entry of {@code text} and {@code label}, a text or a whole number: the text and then the label.
     *
     * @throws InvalidFieldException saying what is wrong with it
     */
    static Conversation parseLabelled(byte[] entry) {
        JsonNode json = object(entry);
        JsonNode label = json.path("label");
        if (label.isIntegralNumber()) {
            ((ObjectNode) json).put("label", label.asText());
        }
        String name = text(json, "label", "label").strip();
        if (name.isEmpty() || name.length() > LONGEST_LABEL) {
            throw new InvalidFieldException(
                    "label", "has " + name.length() + " characters; expected are 1 to " + LONGEST_LABEL);
        }
        return checkSize(new Conversation(
                List.of(new Message(Role.USER, text(json, "text", "text")), new Message(Role.ASSISTANT, name))));
    }

    private static JsonNode object(byte[] entry) {
        JsonNode json;
        try {
            json = JSON.readTree(entry);
        } catch (JsonProcessingException e) {
            throw new InvalidFieldException("entry", "is not JSON: " + e.getOriginalMessage());
        } catch (IOException e) {
            throw new IllegalStateException("bytes in memory can be read", e);
        }
        if (!json.isObject()) {
            throw new InvalidFieldException("entry", "is not an object");
        }
        return json;
    }

    private static Conversation checkSize(Conversation conversation) {
        int bytes = conversation.messages().stream()
                .mapToInt(message -> message.content().getBytes(StandardCharsets.UTF_8).length)
                .sum();
        if (bytes > MOST_BYTES) {
            throw new InvalidFieldException("entry", "has texts of " + bytes + " bytes; at most " + MOST_BYTES);
        }
        return conversation;
    }

    /** Whether this is not an instruction but a header: an object with the one key {@code about}. */
    static boolean isHeader(byte[] entry) {
        try {
            JsonNode json = JSON.readTree(entry);
            return json.isObject() && json.size() == 1 && json.path("about").isTextual();
        } catch (IOException e) {
            return false;
        }
    }

    private static List<Message> messages(JsonNode json) {
        boolean alpaca = json.has("instruction") && json.has("output");
        boolean chat = json.has("messages");
        boolean completion = json.has("prompt") && json.has("completion");
        int forms = (alpaca ? 1 : 0) + (chat ? 1 : 0) + (completion ? 1 : 0);
        if (forms != 1) {
            throw new InvalidFieldException(
                    "entry",
                    (forms == 0 ? "is in none of the forms known" : "is in several forms at once")
                            + "; expected instruction and output, or messages, or prompt and completion");
        }
        if (chat) {
            return chat(json.get("messages"));
        }
        return alpaca
                ? List.of(
                        new Message(Role.USER, instruction(json)),
                        new Message(Role.ASSISTANT, text(json, "output", "output")))
                : List.of(
                        new Message(Role.USER, text(json, "prompt", "prompt")),
                        new Message(Role.ASSISTANT, text(json, "completion", "completion")));
    }

    private static String instruction(JsonNode json) {
        String instruction = text(json, "instruction", "instruction");
        JsonNode input = json.path("input");
        if (input.isMissingNode() || input.isNull()) {
            return instruction;
        }
        if (!input.isTextual()) {
            throw new InvalidFieldException("input", "is not a text");
        }
        return input.textValue().isBlank() ? instruction : instruction + "\n\n" + input.textValue();
    }

    private static List<Message> chat(JsonNode messages) {
        if (!messages.isArray()) {
            throw new InvalidFieldException("messages", "is not a list");
        }
        if (messages.size() > MOST_MESSAGES) {
            throw new InvalidFieldException("messages", "has " + messages.size() + " turns; at most " + MOST_MESSAGES);
        }
        List<Message> turns = new ArrayList<>();
        for (int i = 0; i < messages.size(); i++) {
            String at = "messages[" + i + "]";
            JsonNode message = messages.get(i);
            if (!message.isObject()) {
                throw new InvalidFieldException(at, "is not an object of role and content");
            }
            for (Map.Entry<String, JsonNode> field : message.properties()) {
                if (!MESSAGE.contains(field.getKey()) && !field.getValue().isNull()) {
                    throw new InvalidFieldException(
                            at + "." + Require.printable(field.getKey()),
                            "is not understood; a message is role and content");
                }
            }
            String label = text(message, "role", at + ".role");
            Role role = Role.of(label)
                    .orElseThrow(() -> new InvalidFieldException(
                            at + ".role",
                            "is '" + Require.printable(label) + "'; the roles are system, user and assistant"));
            turns.add(new Message(role, text(message, "content", at + ".content")));
        }
        return turns;
    }

    private static String text(JsonNode json, String key, String field) {
        JsonNode value = json.path(key);
        if (!value.isTextual()) {
            throw new InvalidFieldException(field, value.isMissingNode() ? "is missing" : "is not a text");
        }
        Conversation.checkText(value.textValue(), field);
        return value.textValue();
    }

    /** A conversation on a line: {@code {"messages":[{"role":…,"content":…},…]}}. */
    static byte[] line(Conversation conversation) {
        ObjectNode json = JSON.createObjectNode();
        ArrayNode messages = json.putArray("messages");
        conversation.messages().forEach(message -> messages.addObject()
                .put("role", message.role().label())
                .put("content", message.content()));
        return (json + "\n").getBytes(StandardCharsets.UTF_8);
    }
}

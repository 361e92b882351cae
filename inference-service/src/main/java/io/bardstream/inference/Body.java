package io.bardstream.inference;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.bardstream.event.InvalidFieldException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** A JSON object whose fields are read strictly by name: a wrong type or value is an error naming the field; null is absence. */
final class Body {
    private final JsonNode json;

    Body(JsonNode json) {
        if (json == null || !json.isObject()) {
            throw new InvalidFieldException(
                    "body", "is " + (json == null ? "empty" : kind(json)) + "; expected a JSON object");
        }
        this.json = json;
    }

    static String kind(JsonNode value) {
        return switch (value.getNodeType()) {
            case ARRAY -> "a list";
            case OBJECT -> "an object";
            case STRING -> "a text";
            case BOOLEAN -> "true or false";
            case NUMBER -> "the number " + abbreviated(value);
            case NULL -> "null";
            default -> "nothing";
        };
    }

    private static String abbreviated(JsonNode number) {
        String text = number.asText();
        return text.length() <= 40 ? text : text.substring(0, 40) + "…";
    }

    void refuseUnknown(Set<String> known, Set<String> alsoAccepted) {
        for (String name : names()) {
            if (!known.contains(name) && !alsoAccepted.contains(name)) {
                throw new InvalidFieldException(name, "is not a field of this request");
            }
        }
    }

    List<String> names() {
        List<String> names = new ArrayList<>();
        json.fieldNames().forEachRemaining(names::add);
        return names;
    }

    /** The value of that name as it came, missing where it is absent. */
    JsonNode node(String name) {
        return json.path(name);
    }

    boolean has(String name) {
        return json.hasNonNull(name);
    }

    String text(String name, String otherwise) {
        JsonNode value = json.path(name);
        if (!has(name)) {
            return otherwise;
        } else if (!value.isTextual()) {
            throw wrong(name, value, "a text");
        }
        return value.textValue();
    }

    boolean flag(String name) {
        JsonNode value = json.path(name);
        if (has(name) && !value.isBoolean()) {
            throw wrong(name, value, "true or false");
        }
        return value.asBoolean(false);
    }

    double number(String name, double otherwise) {
        JsonNode value = json.path(name);
        if (!has(name)) {
            return otherwise;
        } else if (!value.isNumber()) {
            throw wrong(name, value, "a number");
        }
        return value.doubleValue();
    }

    int integer(String name, int otherwise, int least, int most) {
        return has(name) ? (int) whole(name, least, most) : otherwise;
    }

    long whole(String name, long least, long most) {
        JsonNode value = json.path(name);
        if (!value.isIntegralNumber() || !value.canConvertToLong()) {
            throw wrong(name, value, "a whole number");
        }
        long number = value.longValue();
        if (number < least || number > most) {
            throw new InvalidFieldException(name, number + "; expected " + least + " to " + most);
        }
        return number;
    }

    /** The object of that name; an empty one where it is absent. */
    Body object(String name) {
        JsonNode value = json.path(name);
        if (!has(name)) {
            return new Body(JsonNodeFactory.instance.objectNode());
        } else if (!value.isObject()) {
            throw wrong(name, value, "an object");
        }
        return new Body(value);
    }

    private static InvalidFieldException wrong(String name, JsonNode value, String expected) {
        return new InvalidFieldException(name, "is " + kind(value) + "; expected " + expected);
    }
}

package io.bardstream.event;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** The checks that make an event record valid by construction. Each names its field in the error. */
final class Fields {
    private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");

    private Fields() {}

    static <T> T required(T value, String field) {
        if (value == null) {
            throw new InvalidFieldException(field, "is missing");
        }
        return value;
    }

    static String text(String value, String field) {
        if (required(value, field).isBlank()) {
            throw new InvalidFieldException(field, "is empty");
        }
        return value;
    }

    /** See {@link Ids#isId}. */
    static String id(String value, String field) {
        if (!Ids.isId(required(value, field))) {
            throw new InvalidFieldException(
                    field,
                    "'" + abbreviate(value) + "' is not an id (letters, digits, '.', '_', ':' and '-', at most 128)");
        }
        return value;
    }

    static String optionalId(String value, String field) {
        return value == null ? null : id(value, field);
    }

    static String sha256(String value, String field) {
        if (!SHA256.matcher(required(value, field)).matches()) {
            throw new InvalidFieldException(
                    field, "'" + abbreviate(value) + "' is not a sha256 (64 lower-case hexadecimal digits)");
        }
        return value;
    }

    static long notNegative(long value, String field) {
        if (value < 0) {
            throw new InvalidFieldException(field, value + " is negative");
        }
        return value;
    }

    static void require(boolean holds, String field, String problem) {
        if (!holds) {
            throw new InvalidFieldException(field, problem);
        }
    }

    /** An unmodifiable copy that keeps the order of entries, so that JSON written twice is the same text. */
    static <V> Map<String, V> copy(Map<String, V> map) {
        return map == null ? Map.of() : Collections.unmodifiableMap(new LinkedHashMap<>(map));
    }

    static <T> List<T> copy(List<T> list) {
        return list == null ? List.of() : List.copyOf(list);
    }

    private static String abbreviate(String value) {
        return value.length() <= 80 ? value : value.substring(0, 80) + "…";
    }
}

package io.bardstream.corpus;

import io.bardstream.event.InvalidFieldException;
import io.bardstream.service.ApiException;
import java.util.regex.Pattern;

/** Checks on what people send; each names its field in the error. */
final class Require {
    private static final int LONGEST_NAME = 200;
    private static final Pattern ID = Pattern.compile("[a-z0-9-]{1,128}");

    private Require() {}

    static <T> T present(T value, String field) {
        if (value == null) {
            throw new InvalidFieldException(field, "is missing");
        }
        return value;
    }

    /** What people call a thing: one line of at most 200 characters. */
    static String name(String name) {
        if (present(name, "name").isBlank()) {
            throw new InvalidFieldException("name", "is empty");
        }
        if (name.length() > LONGEST_NAME) {
            throw new InvalidFieldException("name", "has " + name.length() + " characters; at most " + LONGEST_NAME);
        }
        if (name.codePoints().anyMatch(Require::cannotBePrinted)) {
            throw new InvalidFieldException("name", "holds control characters or half a surrogate pair");
        }
        return name.strip();
    }

    /** An id from a path. One that cannot be an id names nothing. */
    static String pathId(String kind, String id) {
        if (!ID.matcher(id).matches()) {
            throw ApiException.notFound(kind, printable(id));
        }
        return id;
    }

    /** An id from a body. */
    static String id(String id, String field) {
        if (!ID.matcher(present(id, field)).matches()) {
            throw new InvalidFieldException(field, "'" + printable(id) + "' is not an id");
        }
        return id;
    }

    /** 400: a field names something that does not exist. */
    static ApiException unknown(String kind, String id, String field) {
        return new ApiException(400, field + ": there is no " + kind + " '" + id + "'", field, kind + "_not_found");
    }

    /** Half a surrogate pair comes out of {@code codePoints()} as itself. */
    private static boolean cannotBePrinted(int codePoint) {
        int type = Character.getType(codePoint);
        return type == Character.CONTROL || type == Character.SURROGATE;
    }

    /** For errors: short, on one line. */
    static String printable(String text) {
        String shown = text.length() <= 80 ? text : text.substring(0, 80) + "…";
        return shown.replaceAll("\\p{Cntrl}", "?");
    }
}

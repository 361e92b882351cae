package io.bardstream.feedback;

import io.bardstream.event.Ids;
import io.bardstream.event.InvalidFieldException;
import java.util.regex.Pattern;

/** Checks on what people send; each names its field in the error. */
final class Require {
    private static final Pattern HANDLE = Pattern.compile("(?!\\.{1,2}$)[A-Za-z0-9._-]{1,40}");

    private Require() {}

    static <T> T present(T value, String field) {
        if (value == null) {
            throw new InvalidFieldException(field, "is missing");
        }
        return value;
    }

    /** What an annotator wants to be called: up to 40 letters, digits, dots, lines and underscores, one word. */
    static String handle(String handle, String field) {
        if (!isHandle(present(handle, field))) {
            throw new InvalidFieldException(
                    field, "'" + printable(handle) + "' is no handle (1 to 40 of A-Z, a-z, 0-9, '.', '_' and '-')");
        }
        return handle;
    }

    static boolean isHandle(String text) {
        return HANDLE.matcher(text).matches();
    }

    /** An id as events have it, or null for none. */
    static String optionalId(String id, String field) {
        if (id != null && !Ids.isId(id)) {
            throw new InvalidFieldException(
                    field, "'" + printable(id) + "' is no id (letters, digits, '.', '_', ':' and '-', at most 128)");
        }
        return id;
    }

    /** A text of whole characters that is not too long; it may be empty and may hold anything else. */
    static String text(String text, String field, int longest) {
        if (present(text, field).length() > longest) {
            throw new InvalidFieldException(field, "has " + text.length() + " characters; at most " + longest);
        }
        if (text.codePoints().anyMatch(Require::isHalfAPair)) {
            throw new InvalidFieldException(field, "holds half a surrogate pair, which is no character");
        }
        return text;
    }

    /** A text that says something and that a database can hold as it is. */
    static String words(String text, String field, int longest) {
        if (text(text, field, longest).isBlank()) {
            throw new InvalidFieldException(field, "is empty");
        }
        if (text.indexOf('\u0000') >= 0) {
            throw new InvalidFieldException(field, "holds the character U+0000");
        }
        return text;
    }

    /** As {@link #words}, but for nothing, which is null. */
    static String optionalWords(String text, String field, int longest) {
        return text == null || text.isBlank() ? null : words(text, field, longest);
    }

    /** {@code codePoints()} gives half a surrogate pair as itself. */
    private static boolean isHalfAPair(int codePoint) {
        return Character.getType(codePoint) == Character.SURROGATE;
    }

    /** For errors: short, on one line. */
    static String printable(String text) {
        String shown = text.length() <= 80 ? text : text.substring(0, 80) + "…";
        return shown.replaceAll("\\p{Cntrl}", "?");
    }
}

package io.bardstream.launcher;

import java.util.Optional;
import java.util.StringJoiner;

/**
 * Reads server-sent events line by line (WHATWG HTML, section 9.2.6). Only their data matters here: names, ids and comments are skipped.
 */
final class Sse {
    private static final String DATA = "data";

    private StringJoiner data = new StringJoiner("\n");
    private boolean any;

    /** Takes one line, without its end; returns an event's data where the line ends an event that has some. */
    Optional<String> line(String line) {
        if (line.isEmpty()) {
            return end();
        }
        int colon = line.indexOf(':');
        String field = colon < 0 ? line : line.substring(0, colon);
        if (field.equals(DATA)) {
            String value = colon < 0 ? "" : line.substring(colon + 1);
            data.add(value.startsWith(" ") ? value.substring(1) : value);
            any = true;
        }
        return Optional.empty();
    }

    private Optional<String> end() {
        Optional<String> event = any ? Optional.of(data.toString()) : Optional.empty();
        data = new StringJoiner("\n");
        any = false;
        return event;
    }
}

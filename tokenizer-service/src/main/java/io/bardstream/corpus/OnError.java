package io.bardstream.corpus;

import io.bardstream.event.InvalidFieldException;
import java.util.Arrays;
import java.util.Locale;

/** What becomes of instructions of which some are bad. */
enum OnError {
    /** Nothing is kept. */
    REFUSE,
    /** The good ones are kept, and the answer says which were not. */
    SKIP;

    static OnError of(String label) {
        return label == null
                ? REFUSE
                : Arrays.stream(values())
                        .filter(value -> value.name().toLowerCase(Locale.ROOT).equals(label))
                        .findFirst()
                        .orElseThrow(() -> new InvalidFieldException(
                                "on_error", "'" + Require.printable(label) + "' is neither refuse nor skip"));
    }
}

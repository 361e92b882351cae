package io.bardstream.feedback;

import io.bardstream.event.Ids;

/**
 * Which of a comparison's texts an annotator sees as A. It depends on both and on nothing else: a reload shows the same, another
 * person as likely the other way round, and nobody can tell from the side which model wrote a text.
 */
final class Sides {
    private Sides() {}

    /** Whether A is the second text. */
    static boolean swapped(String comparison, String annotator) {
        String hash = Ids.of("side", comparison, annotator);
        return Character.digit(hash.charAt(hash.length() - 1), 16) % 2 == 1;
    }
}

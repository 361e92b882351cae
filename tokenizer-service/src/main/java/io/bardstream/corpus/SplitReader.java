package io.bardstream.corpus;

import java.io.IOException;
import java.io.Reader;

/**
 * The next so many characters (Unicode code points) of a text that several readers share one after the other. Never ends
 * inside a surrogate pair. The text stays the caller's to close.
 */
final class SplitReader extends Reader {
    private final Reader text;
    private long remaining;
    private long bytes;

    /** @param characters how many at most; fewer where the text ends before */
    SplitReader(Reader text, long characters) {
        this.text = text;
        this.remaining = characters;
    }

    /** How many characters of a corpus the training part has: as Python's {@code int(characters * (1 - fraction))}. */
    static long trainingCharacters(long characters, double validationFraction) {
        return (long) (characters * (1 - validationFraction));
    }

    /** A character is counted at its last unit, so asking for as many units as characters are left never takes too many. */
    @Override
    public int read(char[] into, int offset, int length) throws IOException {
        if (remaining == 0) {
            return -1;
        }
        int read = text.read(into, offset, (int) Math.min(length, remaining));
        for (int i = 0; i < read; i++) {
            char unit = into[offset + i];
            bytes += utf8Length(unit);
            if (!Character.isHighSurrogate(unit)) {
                remaining--;
            }
        }
        return read;
    }

    /** Length in UTF-8 of what was read. */
    long bytes() {
        return bytes;
    }

    private static int utf8Length(char unit) {
        if (unit < 0x80) {
            return 1;
        }
        return unit < 0x800 || Character.isSurrogate(unit) ? 2 : 3; // a pair has four
    }

    @Override
    public void close() {
        // the text is shared
    }
}

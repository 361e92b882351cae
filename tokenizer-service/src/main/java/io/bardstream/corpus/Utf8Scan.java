package io.bardstream.corpus;

import java.util.OptionalLong;

/**
 * Checks that bytes are UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF) as they stream by, and
 * counts their characters, which are Unicode code points.
 */
final class Utf8Scan {
    private long characters;
    private long offset;
    private long sequenceStart;
    private int missing;
    private int lowest;
    private int highest;
    private boolean malformed;

    /**
     * Takes the next bytes.
     *
     * @return whether all bytes so far can be UTF-8; once false, {@link #malformedAt()} says where it ends to be
     */
    boolean add(byte[] bytes, int length) {
        for (int i = 0; i < length && !malformed; i++) {
            int b = bytes[i] & 0xFF;
            if (missing > 0) {
                continueWith(b);
            } else {
                sequenceStart = offset;
                startWith(b);
            }
            offset++;
        }
        return !malformed;
    }

    private void startWith(int b) {
        lowest = 0x80;
        highest = 0xBF;
        if (b < 0x80) {
            characters++;
        } else if (b >= 0xC2 && b <= 0xDF) {
            missing = 1;
        } else if (b >= 0xE0 && b <= 0xEF) {
            missing = 2;
            lowest = b == 0xE0 ? 0xA0 : 0x80; // below is overlong
            highest = b == 0xED ? 0x9F : 0xBF; // above are surrogates
        } else if (b >= 0xF0 && b <= 0xF4) {
            missing = 3;
            lowest = b == 0xF0 ? 0x90 : 0x80; // below is overlong
            highest = b == 0xF4 ? 0x8F : 0xBF; // above is past U+10FFFF
        } else {
            malformed = true;
        }
    }

    private void continueWith(int b) {
        if (b < lowest || b > highest) {
            malformed = true;
            return;
        }
        lowest = 0x80;
        highest = 0xBF;
        missing--;
        if (missing == 0) {
            characters++;
        }
    }

    /** Where the first sequence starts that is not a character, an unfinished one at the end included; empty if there is none. */
    OptionalLong malformedAt() {
        return malformed || missing > 0 ? OptionalLong.of(sequenceStart) : OptionalLong.empty();
    }

    /** Whole characters so far. */
    long characters() {
        return characters;
    }
}

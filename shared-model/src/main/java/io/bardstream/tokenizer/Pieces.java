package io.bardstream.tokenizer;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Cuts a text that arrives in parts into the pieces of {@link SplitPattern}, as UTF-8. A piece is handed out once
 * nothing that may follow can change it, so that parts may be cut anywhere. Holds one part and the piece in the making.
 *
 * <pre>{@code
 * pieces.append(chars, 0, n);            // once for each part
 * while (pieces.next()) { … }
 * pieces.endText();
 * while (pieces.next()) { … }
 * }</pre>
 */
final class Pieces {

    /** The parts in which callers feed longer texts: small enough for a core's first cache, UTF-8 included. */
    static final int PART = 8192;

    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    /** Room behind the text, so that {@link #word} may read past a piece's end. */
    private static final int SLACK = 16;

    private static final int LARGEST = Integer.MAX_VALUE - 16;

    private byte[] utf8;
    private int limit;
    private int start;
    private int end;
    private boolean ended;

    /** While fewer bytes than this wait there is no point in looking for the end of the piece again. */
    private int worthLooking;

    /** A high surrogate at the end of a part, whose partner opens the next; 0 if there is none. */
    private char pending;

    /** Characters given so far. */
    private long position;

    /** @param expected characters of the first part */
    Pieces(int expected) {
        utf8 = new byte[Math.min(expected, PART) + Math.min(expected, PART) / 2 + SLACK];
    }

    /** The buffer of the current piece; valid until the next {@link #append}. */
    byte[] utf8() {
        return utf8;
    }

    int start() {
        return start;
    }

    int end() {
        return end;
    }

    /** Up to eight bytes of the current piece from {@code from}, little-endian, zeroes past its end. */
    long word(int from) {
        int length = end - from;
        if (length <= 0) {
            return 0;
        }
        long word = (long) LONGS.get(utf8, from);
        return length >= 8 ? word : word & ~(-1L << (length << 3));
    }

    /** Takes the next part of the text. */
    void append(char[] chars, int from, int to) {
        drop();
        reserve(to - from);
        byte[] out = utf8;
        int at = limit;
        int in = from;
        if (pending != 0 && in < to) {
            at = pair(out, at, pending, chars[in++]);
            pending = 0;
        }
        while (in < to) {
            char c = chars[in++];
            if (c < 0x80) {
                out[at++] = (byte) c;
            } else if (c < 0x800) {
                out[at++] = (byte) (0xC0 | (c >> 6));
                out[at++] = (byte) (0x80 | (c & 0x3F));
            } else if (!Character.isSurrogate(c)) {
                out[at++] = (byte) (0xE0 | (c >> 12));
                out[at++] = (byte) (0x80 | ((c >> 6) & 0x3F));
                out[at++] = (byte) (0x80 | (c & 0x3F));
            } else if (Character.isLowSurrogate(c)) {
                throw loneSurrogate(c, position + in - 1 - from);
            } else if (in == to) {
                pending = c;
            } else if (Character.isLowSurrogate(chars[in])) {
                at = pair(out, at, c, chars[in++]);
            } else {
                throw loneSurrogate(c, position + in - 1 - from);
            }
        }
        position += to - from;
        limit = at;
    }

    /** Says that the text ends here; the next {@link #append} begins another. */
    void endText() {
        if (pending != 0) {
            throw loneSurrogate(pending, position - 1);
        }
        ended = true;
    }

    /** Counts characters that were not given, so that messages name the right position. */
    void skip(int characters) {
        position += characters;
    }

    /** Steps to the next piece; false when more of the text is needed or, after {@link #endText}, when it is over. */
    boolean next() {
        start = end;
        int waiting = limit - start;
        if (waiting == 0 || (!ended && waiting < worthLooking)) {
            return false;
        }
        int candidate = SplitPattern.pieceEnd(utf8, start, limit);
        if (!ended && limit - candidate < SplitPattern.LOOKAHEAD) {
            worthLooking = 2 * waiting;
            return false;
        }
        worthLooking = 0;
        end = candidate;
        return true;
    }

    /** Drops what was handed out. */
    private void drop() {
        if (ended) {
            ended = false;
            worthLooking = 0;
        }
        System.arraycopy(utf8, end, utf8, 0, limit - end);
        limit -= end;
        start = 0;
        end = 0;
    }

    private void reserve(int characters) {
        // A character takes at most three bytes; a pair of surrogates takes four, less than three each.
        long needed = limit + 3L * characters + 3 + SLACK;
        if (needed > LARGEST) {
            throw new IllegalArgumentException("A run of one kind of character longer than 2 GiB cannot be tokenized");
        }
        if (needed > utf8.length) {
            utf8 = Arrays.copyOf(utf8, (int) Math.min(LARGEST, Math.max(needed, limit * 2L)));
        }
    }

    private int pair(byte[] out, int at, char high, char low) {
        if (!Character.isLowSurrogate(low)) {
            throw loneSurrogate(high, position - 1);
        }
        int codePoint = Character.toCodePoint(high, low);
        out[at] = (byte) (0xF0 | (codePoint >> 18));
        out[at + 1] = (byte) (0x80 | ((codePoint >> 12) & 0x3F));
        out[at + 2] = (byte) (0x80 | ((codePoint >> 6) & 0x3F));
        out[at + 3] = (byte) (0x80 | (codePoint & 0x3F));
        return at + 4;
    }

    private static IllegalArgumentException loneSurrogate(char c, long position) {
        return new IllegalArgumentException(String.format(
                "Character %d of the text is the surrogate U+%04X without its partner, which no encoding can hold;"
                        + " give text of whole characters (was it cut inside an emoji?)",
                position, (int) c));
    }
}

package io.bardstream.tokenizer;

import static io.bardstream.tokenizer.CharacterClasses.ASCII;
import static io.bardstream.tokenizer.CharacterClasses.LETTER;
import static io.bardstream.tokenizer.CharacterClasses.NUMBER;
import static io.bardstream.tokenizer.CharacterClasses.OTHER;
import static io.bardstream.tokenizer.CharacterClasses.SPACE;

/**
 * GPT-2's split pattern as a scanner over UTF-8:
 * <pre>{@code 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+}</pre>
 * Merges never cross the end of a piece. So a word with the blank before it is a piece, a run of digits is one, and of
 * several blanks the last goes with the word that follows.
 */
final class SplitPattern {

    /**
     * How far past a piece's end its extent depends on the text, in bytes: a piece that ends at least so far before the
     * end of what is there ends in the same place whatever follows. (Two characters of a contraction, or a blank given
     * back and the character that follows it.)
     */
    static final int LOOKAHEAD = 8;

    private SplitPattern() {}

    /** The end of the piece that starts at {@code from}, in well-formed UTF-8 that ends at {@code limit}. */
    static int pieceEnd(byte[] utf8, int from, int limit) {
        int first = utf8[from];
        if (first == '\'') {
            int contraction = contractionEnd(utf8, from, limit);
            if (contraction > from) {
                return contraction;
            }
        }
        int start = first == ' ' ? from + 1 : from;
        if (start == limit) {
            return limit;
        }
        int kind = classAt(utf8, start);
        if (kind != SPACE) {
            return switch (kind) {
                case LETTER -> runEnd(utf8, start, limit, LETTER);
                case NUMBER -> runEnd(utf8, start, limit, NUMBER);
                default -> runEnd(utf8, start, limit, OTHER);
            };
        }
        int end = runEnd(utf8, start, limit, SPACE);
        if (end == limit) {
            return end;
        }
        int last = end - 1;
        while ((utf8[last] & 0xC0) == 0x80) {
            last--;
        }
        return last > from ? last : end;
    }

    private static int contractionEnd(byte[] utf8, int from, int limit) {
        if (from + 1 >= limit) {
            return from;
        }
        int second = utf8[from + 1];
        if (second == 's' || second == 't' || second == 'm' || second == 'd') {
            return from + 2;
        }
        if (from + 2 >= limit) {
            return from;
        }
        int third = utf8[from + 2];
        boolean contraction = (third == 'e' && (second == 'r' || second == 'v')) || (third == 'l' && second == 'l');
        return contraction ? from + 3 : from;
    }

    private static int runEnd(byte[] utf8, int from, int limit, int kind) {
        int at = from;
        while (at < limit) {
            int lead = utf8[at];
            if (lead >= 0) {
                if (ASCII[lead] != kind) {
                    break;
                }
                at++;
            } else {
                if (classAt(utf8, at) != kind) {
                    break;
                }
                at += lead < (byte) 0xE0 ? 2 : lead < (byte) 0xF0 ? 3 : 4;
            }
        }
        return at;
    }

    private static int classAt(byte[] utf8, int at) {
        int lead = utf8[at];
        if (lead >= 0) {
            return ASCII[lead];
        }
        if (lead < (byte) 0xE0) {
            return CharacterClasses.of(((lead & 0x1F) << 6) | bits(utf8, at + 1));
        }
        if (lead < (byte) 0xF0) {
            return CharacterClasses.of(((lead & 0x0F) << 12) | (bits(utf8, at + 1) << 6) | bits(utf8, at + 2));
        }
        return CharacterClasses.of(
                ((lead & 0x07) << 18) | (bits(utf8, at + 1) << 12) | (bits(utf8, at + 2) << 6) | bits(utf8, at + 3));
    }

    /** The six bits that a byte after the first carries. */
    private static int bits(byte[] utf8, int at) {
        return utf8[at] & 0x3F;
    }
}

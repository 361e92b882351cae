package io.bardstream.tokenizer;

import java.util.Arrays;

/**
 * Turns one text, given in parts, into ids. Short pieces come from the word cache or are merged in small arrays, whose
 * cost grows with the square of the length; long ones (a million blanks) are merged with a heap over a linked list, in
 * n log n. Both apply the lowest-ranked pair first, the leftmost of equals, one at a time. Not thread-safe.
 */
final class Encoder {

    /** Pieces of at most this many bytes are merged in arrays, with a bit of a long for each byte. */
    private static final int SHORT = 64;

    private static final int PLACE_BITS = 6;

    private static final int NO_CANDIDATE = MergeTable.NONE << PLACE_BITS;

    private final MergeTable merges;
    private final WordCache cache;
    private final Pieces pieces;

    private int[] tokens;
    private int count;

    /** The id of the symbol that begins at each place of a short piece. */
    private final int[] symbols = new int[SHORT];

    /** The rank of the pair that begins at each place, and the place: the lowest is merged next. */
    private final int[] candidates = new int[SHORT + 3];

    Encoder(MergeTable merges, WordCache cache, int expectedCharacters) {
        this.merges = merges;
        this.cache = cache;
        this.pieces = new Pieces(expectedCharacters);
        this.tokens = new int[expectedCharacters / 3 + 16];
    }

    /** The ids so far, in the first {@link #count()} places; changed by the next call. */
    int[] tokens() {
        return tokens;
    }

    int count() {
        return count;
    }

    /** Forgets the ids so far. */
    void clear() {
        count = 0;
    }

    /** A special token between two texts, spelled with so many characters. */
    void special(int token, int characters) {
        ensure(1);
        tokens[count++] = token;
        pieces.skip(characters);
    }

    void append(char[] chars, int from, int to) {
        pieces.append(chars, from, to);
        encodePieces();
    }

    void endText() {
        pieces.endText();
        encodePieces();
    }

    private void encodePieces() {
        while (pieces.next()) {
            int start = pieces.start();
            int length = pieces.end() - start;
            ensure(length + WordCache.MOST);
            if (length > WordCache.LONGEST) {
                merge(pieces.utf8(), start, length);
                continue;
            }
            long head = pieces.word(start);
            long tail = pieces.word(start + 8);
            int known = cache.find(head, tail, length, tokens, count);
            if (known > 0) {
                count += known;
            } else {
                int from = count;
                merge(pieces.utf8(), start, length);
                cache.put(head, tail, length, tokens, from, count - from);
            }
        }
    }

    private void ensure(int more) {
        if (tokens.length - count < more) {
            tokens = Arrays.copyOf(
                    tokens, Math.max(count + more, (int) Math.min(tokens.length * 3L / 2, Integer.MAX_VALUE - 8)));
        }
    }

    private void merge(byte[] utf8, int start, int length) {
        if (length > SHORT) {
            count += new LongMerge(merges, utf8, start, length).run(tokens, count);
        } else {
            mergeShort(utf8, start, length);
        }
    }

    private void mergeShort(byte[] utf8, int start, int length) {
        int[] symbols = this.symbols;
        int[] candidates = this.candidates;
        int last = length - 1;
        for (int i = 0; i < last; i++) {
            symbols[i] = merges.idOfByte(utf8[start + i]);
            candidates[i] = (merges.rankOfBytes(utf8[start + i], utf8[start + i + 1]) << PLACE_BITS) | i;
        }
        symbols[last] = merges.idOfByte(utf8[start + last]);
        candidates[last] = NO_CANDIDATE;
        candidates[last + 1] = NO_CANDIDATE;
        candidates[last + 2] = NO_CANDIDATE;
        candidates[last + 3] = NO_CANDIDATE;
        // Bit i is set where a symbol begins.
        long begins = -1L >>> (SHORT - length);
        while (true) {
            int best = lowest(candidates, last);
            if (best >= NO_CANDIDATE) {
                break;
            }
            int at = best & (SHORT - 1);
            int gone = next(begins, at);
            begins &= ~(1L << gone);
            candidates[gone] = NO_CANDIDATE;
            int symbol = merges.merged(best >>> PLACE_BITS);
            symbols[at] = symbol;
            int after = next(begins, at);
            candidates[at] = after == SHORT ? NO_CANDIDATE : (merges.rank(symbol, symbols[after]) << PLACE_BITS) | at;
            if (at > 0) {
                int before = SHORT - 1 - Long.numberOfLeadingZeros(begins & ((1L << at) - 1));
                candidates[before] = (merges.rank(symbols[before], symbol) << PLACE_BITS) | before;
            }
        }
        int[] tokens = this.tokens;
        int count = this.count;
        for (long rest = begins; rest != 0; rest &= rest - 1) {
            tokens[count++] = symbols[Long.numberOfTrailingZeros(rest)];
        }
        this.count = count;
    }

    /** The lowest of the candidates, four at a time: beyond the last there are three that are none. */
    private static int lowest(int[] candidates, int last) {
        int a = NO_CANDIDATE;
        int b = NO_CANDIDATE;
        int c = NO_CANDIDATE;
        int d = NO_CANDIDATE;
        for (int i = 0; i < last; i += 4) {
            a = Math.min(a, candidates[i]);
            b = Math.min(b, candidates[i + 1]);
            c = Math.min(c, candidates[i + 2]);
            d = Math.min(d, candidates[i + 3]);
        }
        return Math.min(Math.min(a, b), Math.min(c, d));
    }

    /** The place of the symbol that begins after this one, {@link #SHORT} if none does. */
    private static int next(long begins, int at) {
        return Long.numberOfTrailingZeros(begins & (-2L << at));
    }
}

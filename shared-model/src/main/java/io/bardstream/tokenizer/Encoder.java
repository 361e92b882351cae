package io.bardstream.tokenizer;

import java.util.Arrays;

/**
 * Turns one text, given in parts, into ids. Short pieces come from the word cache or are merged in small arrays, whose
 * cost grows with the square of the length; long ones (a million blanks) are merged with a heap over a linked list, in
 * n log n. Both apply the lowest-ranked pair first, the leftmost of equals, one at a time. Not thread-safe.
 */
final class Encoder {

    /** From this many bytes on the heap is the faster. */
    private static final int LONG = 64;

    private final MergeTable merges;
    private final WordCache cache;
    private final Pieces pieces;

    private int[] tokens;
    private int count;

    private final int[] symbols = new int[LONG];
    private final int[] ranks = new int[LONG];

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
            if (length > WordCache.LONGEST) {
                merge(pieces.utf8(), start, length);
                continue;
            }
            long head = pieces.word(start);
            long tail = pieces.word(start + 8);
            int[] known = cache.find(head, tail, length);
            if (known == null) {
                int before = count;
                merge(pieces.utf8(), start, length);
                cache.put(head, tail, length, Arrays.copyOfRange(tokens, before, count));
            } else {
                ensure(known.length);
                for (int token : known) {
                    tokens[count++] = token;
                }
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
        ensure(length);
        if (length > LONG) {
            count += new LongMerge(merges, utf8, start, length).run(tokens, count);
            return;
        }
        int[] symbols = this.symbols;
        int[] ranks = this.ranks;
        int last = length - 1;
        for (int i = 0; i < last; i++) {
            symbols[i] = merges.idOfByte(utf8[start + i]);
            ranks[i] = merges.rankOfBytes(utf8[start + i], utf8[start + i + 1]);
        }
        symbols[last] = merges.idOfByte(utf8[start + last]);
        while (last > 0) {
            int best = 0;
            for (int i = 1; i < last; i++) {
                if (ranks[i] < ranks[best]) {
                    best = i;
                }
            }
            int rank = ranks[best];
            if (rank == MergeTable.NONE) {
                break;
            }
            symbols[best] = merges.merged(rank);
            for (int i = best + 1; i < last; i++) {
                symbols[i] = symbols[i + 1];
                ranks[i - 1] = ranks[i];
            }
            last--;
            // The ranks have moved down by one behind the merge: those at its sides are new.
            if (best > 0) {
                ranks[best - 1] = merges.rank(symbols[best - 1], symbols[best]);
            }
            if (best < last) {
                ranks[best] = merges.rank(symbols[best], symbols[best + 1]);
            }
        }
        System.arraycopy(symbols, 0, tokens, count, last + 1);
        count += last + 1;
    }
}

package io.bardstream.trainer;

import io.bardstream.tokenizer.BpeTokenizer;
import io.bardstream.train.TokenSource;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The longest run of characters of a short text that stands verbatim in a long one. The short text's suffix automaton (Blumer
 * et al. 1985) reads the long text once, so the time is linear in it and the memory is not its concern.
 */
final class LongestCopy {
    /** Of a longer corpus the beginning is searched, which bounds the time to about a second. */
    private static final long MOST_TOKENS = 1L << 25;

    private static final int CHUNK = 1 << 14;
    private static final int BYTES = 256;
    private static final int NONE = -1;

    private final int[] next; // state · 256 + byte → state
    private final int[] link;
    private final int[] length;
    private final int[] end; // where in the text a state's strings end for the first time
    private final byte[] text;
    private int states = 1;
    private int whole; // state of the text read so far

    LongestCopy(String text) {
        this.text = text.getBytes(StandardCharsets.UTF_8);
        int most = Math.max(2, 2 * this.text.length);
        next = new int[most * BYTES];
        Arrays.fill(next, NONE);
        link = new int[most];
        link[0] = NONE;
        length = new int[most];
        end = new int[most];
        for (byte b : this.text) {
            extend(Byte.toUnsignedInt(b));
        }
    }

    private void extend(int symbol) {
        int added = states++;
        length[added] = length[whole] + 1;
        end[added] = length[added];
        int state = whole;
        while (state != NONE && next[state * BYTES + symbol] == NONE) {
            next[state * BYTES + symbol] = added;
            state = link[state];
        }
        if (state != NONE) {
            int target = next[state * BYTES + symbol];
            link[added] = length[target] == length[state] + 1 ? target : split(state, symbol, target);
        }
        whole = added;
    }

    /** Gives the shorter suffixes that end in {@code target} a state of their own. */
    private int split(int from, int symbol, int target) {
        int clone = states++;
        length[clone] = length[from] + 1;
        end[clone] = end[target];
        System.arraycopy(next, target * BYTES, next, clone * BYTES, BYTES);
        link[clone] = link[target];
        link[target] = clone;
        for (int state = from; state != NONE && next[state * BYTES + symbol] == target; state = link[state]) {
            next[state * BYTES + symbol] = clone;
        }
        return clone;
    }

    /** The longest run in characters (Unicode code points). */
    int in(TokenSource corpus, BpeTokenizer tokenizer) {
        byte[][] bytesOf = new byte[tokenizer.vocabularySize()][];
        Match match = new Match();
        long end = Math.min(corpus.size(), MOST_TOKENS);
        for (long position = 0; position < end; position += CHUNK) {
            int[] tokens = new int[(int) Math.min(CHUNK, end - position)];
            corpus.copy(position, tokens);
            for (int token : tokens) {
                if (bytesOf[token] == null) {
                    bytesOf[token] = tokenizer.bytesOf(token);
                }
                for (byte b : bytesOf[token]) {
                    match.read(Byte.toUnsignedInt(b));
                }
            }
        }
        return characters(match.longestEnd - match.longest, match.longestEnd);
    }

    /** How many characters begin in a part of the text. */
    private int characters(int from, int to) {
        int count = 0;
        for (int i = from; i < to; i++) {
            count += (text[i] & 0xC0) == 0x80 ? 0 : 1;
        }
        return count;
    }

    /** The longest end of what was read so far that stands in the short text; lengths in bytes. */
    private final class Match {
        private int state;
        private int bytes;
        private int longest;
        private int longestEnd;

        void read(int symbol) {
            while (state != 0 && next[state * BYTES + symbol] == NONE) {
                state = link[state];
                bytes = length[state];
            }
            if (next[state * BYTES + symbol] == NONE) {
                return;
            }
            state = next[state * BYTES + symbol];
            bytes++;
            if (bytes > longest) {
                longest = bytes;
                longestEnd = end[state];
            }
        }
    }
}

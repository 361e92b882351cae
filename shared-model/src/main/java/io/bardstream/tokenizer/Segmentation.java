package io.bardstream.tokenizer;

import java.util.Arrays;

/**
 * The distinct words, one after the other, each cut into the symbols learned so far. A place is the index of a byte;
 * the order of places is the order of words by first appearance and, within a word, of the text.
 *
 * <p>One array holds it all: at the first byte of a symbol its id, at its last (if it is longer than one byte) its
 * negative length, between them {@link #INSIDE}, and between words {@link #BORDER}.
 */
final class Segmentation {

    /** What stands beside the first and the last symbol of a word. */
    static final int BORDER = Integer.MIN_VALUE;

    private static final int INSIDE = Integer.MIN_VALUE + 1;

    private final int[] cells;
    private final int[] lengths;

    /** For each place the word it lies in. */
    private final int[] words;

    private final WordCounts counts;

    /** @param ids how many ids there will be at most */
    Segmentation(WordCounts counts, int ids) {
        this.counts = counts;
        int bytes = counts.size() == 0 ? 0 : counts.end(counts.size() - 1);
        long size = 1L + bytes + counts.size();
        if (size > Integer.MAX_VALUE - 8) {
            throw new IllegalStateException("The distinct words of the text take more than 2 GiB; train on less of it");
        }
        cells = new int[(int) size];
        words = new int[(int) size];
        lengths = new int[ids];
        Arrays.fill(lengths, 0, 256, 1);
        int[] idOfByte = new int[256];
        for (int id = 0; id < 256; id++) {
            idOfByte[ByteAlphabet.byteOfId(id) & 0xFF] = id;
        }
        cells[0] = BORDER;
        int place = 1;
        for (int word = 0; word < counts.size(); word++) {
            for (int at = counts.start(word); at < counts.end(word); at++) {
                cells[place] = idOfByte[counts.bytes()[at] & 0xFF];
                words[place++] = word;
            }
            cells[place++] = BORDER;
        }
    }

    /** How many places there are. */
    int size() {
        return cells.length;
    }

    /** The symbol that begins here, or something negative if none does. */
    int symbol(int place) {
        return cells[place];
    }

    /** The place behind the symbol that begins here. */
    int next(int place) {
        return place + lengths[cells[place]];
    }

    /** The place of the symbol before the one that begins here; its {@link #symbol} is negative at a word's start. */
    int previous(int place) {
        int before = cells[place - 1];
        return before < 0 && before > INSIDE ? place + before : place - 1;
    }

    boolean holds(int place, int left, int right) {
        return cells[place] == left && cells[next(place)] == right;
    }

    /** How often the word occurs in which this place lies. */
    long weight(int place) {
        return counts.count(words[place]);
    }

    /** Makes one symbol of the two that begin here. */
    void merge(int place, int right, int end, int merged) {
        cells[right - 1] = INSIDE;
        cells[right] = INSIDE;
        cells[place] = merged;
        cells[end - 1] = place - end;
        lengths[merged] = end - place;
    }
}

package io.bardstream.tokenizer;

import java.io.IOException;

/**
 * The token ids of a text of any size, read as from a stream: the same ids as one {@link BpeTokenizer#encode} of the
 * whole text, in memory bounded by the longest run of one kind of character (a word, a stretch of blanks) and not by
 * the text. Not thread-safe. The reader it draws from stays the caller's to close.
 */
public final class TokenStream {

    TokenStream() {}

    /** As {@link #read(int[], int, int)} into the whole array. */
    public int read(int[] into) throws IOException {
        return read(into, 0, into.length);
    }

    /**
     * Reads the next ids. Fills the whole range unless the text ends before.
     *
     * @return how many ids were written; less than {@code length} only at the end of the text, and −1 when none is left
     * @throws IllegalArgumentException if the text holds a surrogate without its partner, naming its position
     */
    public int read(int[] into, int offset, int length) throws IOException {
        throw new UnsupportedOperationException("read");
    }
}

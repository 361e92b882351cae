package io.bardstream.tokenizer;

import java.io.IOException;
import java.io.Reader;

/**
 * The token ids of a text of any size, read as from a stream: the same ids as one {@link BpeTokenizer#encode} of the
 * whole text, in memory bounded by the longest run of one kind of character (a word, a stretch of blanks) and not by
 * the text. Not thread-safe. The reader it draws from stays the caller's to close.
 */
public final class TokenStream {

    private final Reader text;
    private final Encoder encoder;
    private final char[] part = new char[Pieces.PART];
    private int taken;
    private boolean ended;

    TokenStream(Reader text, Encoder encoder) {
        this.text = text;
        this.encoder = encoder;
    }

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
        int written = 0;
        while (written < length) {
            int ready = Math.min(encoder.count() - taken, length - written);
            System.arraycopy(encoder.tokens(), taken, into, offset + written, ready);
            taken += ready;
            written += ready;
            if (written < length && !more()) {
                return written == 0 ? -1 : written;
            }
        }
        return written;
    }

    /** Encodes the next part of the text; false at its end. */
    private boolean more() throws IOException {
        if (ended) {
            return false;
        }
        encoder.clear();
        taken = 0;
        int characters = text.read(part, 0, part.length);
        if (characters < 0) {
            encoder.endText();
            ended = true;
        } else {
            encoder.append(part, 0, characters);
        }
        return true;
    }
}

package io.bardstream.tokenizer;

import java.io.IOException;
import java.io.Reader;
import java.util.List;

/**
 * Learns a byte-level BPE vocabulary from text: starts from the 256 bytes and joins, again and again, the pair of
 * neighbours that occurs most often inside GPT-2's pieces (Sennrich et al. 2016, algorithm 1).
 *
 * <p>When counts tie, the pair wins whose first occurrence comes first in the current segmentation of the text, words
 * in the order of their first appearance; so a text and a size determine the vocabulary. Training stops early when no
 * pair occurs twice. Memory grows with the number of distinct words, not with the text. Not thread-safe.
 */
public final class BpeTrainer {

    /** Told after each merge, on the training thread. What it throws ends the training. */
    @FunctionalInterface
    public interface ProgressListener {

        /** Tells nobody. */
        ProgressListener NONE = (merges, wanted) -> {};

        /** {@code merges} of the {@code wanted} merges are learned. */
        void merged(int merges, int wanted);
    }

    /**
     * @param vocabularySize ids of the finished vocabulary: 256 bytes, the merges and the special tokens together
     * @param specialTokens take the last ids, in this order; {@link SpecialTokens#ALL} for a vocabulary of our own
     */
    public BpeTrainer(int vocabularySize, List<String> specialTokens) {}

    /**
     * Counts the words of the next part of the text. Parts follow each other without a gap: where they are cut, even
     * inside a word or a surrogate pair, makes no difference.
     *
     * @throws IllegalArgumentException if the text holds a surrogate without its partner, naming its position
     */
    public void add(CharSequence chunk) {
        throw new UnsupportedOperationException("add");
    }

    /** Adds all that the reader gives; the reader stays the caller's to close. */
    public void add(Reader text) throws IOException {
        throw new UnsupportedOperationException("add");
    }

    /**
     * Ends the text and learns the vocabulary. Its {@link BpeTokenizer#vocabularySize()} is the size reached, smaller
     * than asked for when no pair was left that occurs twice.
     */
    public BpeTokenizer train(ProgressListener progress) {
        throw new UnsupportedOperationException("train");
    }
}

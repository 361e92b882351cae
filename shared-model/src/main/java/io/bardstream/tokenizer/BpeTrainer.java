package io.bardstream.tokenizer;

import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;

/**
 * Learns a byte-level BPE vocabulary from text: starts from the 256 bytes and joins, again and again, the pair of
 * neighbours that occurs most often inside GPT-2's pieces (Sennrich et al. 2016, algorithm 1).
 *
 * <p>When counts tie, the pair wins whose first occurrence comes first in the current segmentation of the text, words
 * in the order of their first appearance; so a text and a size determine the vocabulary. Training stops early when no
 * pair occurs twice. Memory grows with the distinct words, not with the text. Not thread-safe.
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

    private final List<String> specialTokens;
    private final int wanted;
    private final Pieces pieces = new Pieces(Pieces.PART);
    private final WordCounts words = new WordCounts();
    private final char[] part = new char[Pieces.PART];

    /**
     * @param vocabularySize ids of the finished vocabulary: 256 bytes, the merges and the special tokens together
     * @param specialTokens take the last ids, in this order; {@link SpecialTokens#ALL} for a vocabulary of our own
     */
    public BpeTrainer(int vocabularySize, List<String> specialTokens) {
        this.specialTokens = List.copyOf(specialTokens);
        int smallest = 256 + specialTokens.size();
        if (vocabularySize < smallest || vocabularySize > Vocabulary.LARGEST) {
            throw new IllegalArgumentException("The vocabulary size is " + vocabularySize + ", expected " + smallest
                    + " (256 bytes and " + specialTokens.size() + " special tokens) to " + Vocabulary.LARGEST);
        }
        this.wanted = vocabularySize - smallest;
        for (String special : this.specialTokens) {
            requireNotAPiece(special);
        }
        if (new HashSet<>(this.specialTokens).size() < this.specialTokens.size()) {
            throw new IllegalArgumentException("A special token stands twice in " + this.specialTokens);
        }
    }

    /** A special token must be nothing that merges could make, or one spelling would have two ids. */
    private static void requireNotAPiece(String special) {
        if (!StandardCharsets.UTF_8.newEncoder().canEncode(special)) {
            throw new IllegalArgumentException("The special token '" + special + "' holds half of a surrogate pair");
        }
        byte[] utf8 = special.getBytes(StandardCharsets.UTF_8);
        if (utf8.length == 0 || SplitPattern.pieceEnd(utf8, 0, utf8.length) == utf8.length) {
            throw new IllegalArgumentException("The special token '" + special
                    + "' is one word by GPT-2's split pattern, expected a mark that no word can be, such as "
                    + SpecialTokens.END_OF_TEXT);
        }
    }

    /**
     * Counts the words of the next part of the text. Parts follow each other without a gap: where they are cut, even
     * inside a word or a surrogate pair, makes no difference.
     *
     * @throws IllegalArgumentException if the text holds a surrogate without its partner, naming its position
     */
    public void add(CharSequence chunk) {
        String text = chunk.toString();
        for (int at = 0; at < text.length(); at += part.length) {
            int length = Math.min(part.length, text.length() - at);
            text.getChars(at, at + length, part, 0);
            addPart(length);
        }
    }

    /** Adds all that the reader gives; the reader stays the caller's to close. */
    public void add(Reader text) throws IOException {
        for (int length = text.read(part); length >= 0; length = text.read(part)) {
            addPart(length);
        }
    }

    private void addPart(int length) {
        pieces.append(part, 0, length);
        countPieces();
    }

    private void countPieces() {
        while (pieces.next()) {
            words.add(pieces);
        }
    }

    /**
     * Ends the text and learns the vocabulary. Its {@link BpeTokenizer#vocabularySize()} is the size reached, smaller
     * than asked for when no pair was left that occurs twice.
     */
    public BpeTokenizer train(ProgressListener progress) {
        pieces.endText();
        countPieces();

        Segmentation text = new Segmentation(words, 256 + wanted);
        PairCounts pairs = new PairCounts();
        for (int place = 1; place < text.size(); place++) {
            if (text.symbol(place) >= 0 && text.symbol(place + 1) >= 0) {
                pairs.add(text.symbol(place), text.symbol(place + 1), text.weight(place), place);
            }
        }
        MostFrequentPair candidates = new MostFrequentPair(text, pairs);
        candidates.addAll(0);

        int[] left = new int[wanted];
        int[] right = new int[wanted];
        int merges = 0;
        while (merges < wanted) {
            int pair = candidates.take();
            if (pair < 0) {
                break;
            }
            left[merges] = pairs.left(pair);
            right[merges] = pairs.right(pair);
            int known = pairs.size();
            merge(text, pairs, pair, 256 + merges);
            candidates.addAll(known);
            progress.merged(++merges, wanted);
        }
        return new BpeTokenizer(
                Vocabulary.of(Arrays.copyOf(left, merges), Arrays.copyOf(right, merges), specialTokens));
    }

    /** Merges a pair wherever it stands, left to right, and counts the neighbours that went and came. */
    private static void merge(Segmentation text, PairCounts pairs, int pair, int merged) {
        int left = pairs.left(pair);
        int right = pairs.right(pair);
        int[] places = pairs.places(pair);
        int count = pairs.placeCount(pair);
        for (int i = 0; i < count; i++) {
            int place = places[i];
            if (!text.holds(place, left, right)) {
                continue;
            }
            long weight = text.weight(place);
            int before = text.previous(place);
            int second = text.next(place);
            int after = text.next(second);
            int symbolBefore = text.symbol(before);
            int symbolAfter = text.symbol(after);
            text.merge(place, second, after, merged);
            if (symbolBefore >= 0) {
                pairs.remove(symbolBefore, left, weight);
                pairs.add(symbolBefore, merged, weight, before);
            }
            if (symbolAfter >= 0) {
                pairs.remove(right, symbolAfter, weight);
                pairs.add(merged, symbolAfter, weight, place);
            }
        }
        pairs.drop(pair);
    }
}

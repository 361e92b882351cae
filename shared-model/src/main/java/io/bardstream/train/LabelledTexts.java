package io.bardstream.train;

import io.bardstream.gpt.Gpt;
import io.bardstream.gpt.TokenRows;
import io.bardstream.tokenizer.BpeTokenizer;
import io.bardstream.tokenizer.ChatFormat.Rendered;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.IntStream;

/**
 * A split of texts with labels. On Kafka each is a conversation, a text and its label; the model reads the text alone, as any
 * running text, and of a long one the beginning. Any number of threads may read it.
 */
public final class LabelledTexts {
    /** Tokens of a conversation that are not the text: who speaks, the end of the turn, and who answers. */
    private static final int BEFORE = 1;

    private static final int BEHIND = 2;

    private final Conversations source;
    private final List<String> labels;
    private final int[] labelOf;
    private final int contextLength;

    /**
     * @param labels by number
     * @throws IllegalArgumentException if a text has another
     */
    public LabelledTexts(Conversations source, BpeTokenizer tokenizer, List<String> labels, int contextLength) {
        this.source = source;
        this.labels = List.copyOf(labels);
        this.contextLength = contextLength;
        this.labelOf = IntStream.range(0, source.count())
                .map(i -> number(label(source.get(i), tokenizer)))
                .toArray();
    }

    /** The labels of a split in the order of the alphabet, which is that of their numbers. */
    public static List<String> labels(Conversations source, BpeTokenizer tokenizer) {
        return List.copyOf(new TreeSet<>(IntStream.range(0, source.count())
                .mapToObj(i -> label(source.get(i), tokenizer))
                .toList()));
    }

    private static String label(Rendered one, BpeTokenizer tokenizer) {
        int begin = one.trained().nextSetBit(0);
        return tokenizer.decode(Arrays.copyOfRange(one.tokens(), begin, one.tokens().length - 1)); // without its end
    }

    private int number(String label) {
        int number = labels.indexOf(label);
        if (number < 0) {
            throw new IllegalArgumentException(
                    "a text is labelled '" + label + "', which is none of the labels trained on, " + labels);
        }
        return number;
    }

    public int count() {
        return labelOf.length;
    }

    public List<String> labels() {
        return labels;
    }

    /** The number of a text's label. */
    public int label(int text) {
        return labelOf[text];
    }

    /** A text's tokens, as many as fit the context. */
    public int[] tokens(int text) {
        Rendered one = source.get(text);
        int end = one.trained().nextSetBit(0) - BEHIND;
        return Arrays.copyOfRange(one.tokens(), BEFORE, Math.min(end, BEFORE + contextLength));
    }

    /** The objective of some texts. */
    public Classification batch(int... texts) {
        return new Classification(
                TokenRows.of(Arrays.stream(texts).mapToObj(this::tokens).toList(), 0),
                Arrays.stream(texts).map(this::label).toArray());
    }

    /** How a model labels the first texts, as many as are wanted. */
    public Confusion judge(Gpt gpt, int most) {
        List<int[]> texts = new ArrayList<>();
        int count = Math.min(most, count());
        for (int i = 0; i < count; i++) {
            texts.add(tokens(i));
        }
        return Confusion.of(labels, Arrays.copyOf(labelOf, count), Classification.probabilities(gpt, texts));
    }
}

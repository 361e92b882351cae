package io.bardstream.train;

import io.bardstream.tokenizer.ChatFormat.Rendered;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * Conversations side by side in as few rows as the longest first gives (first-fit decreasing, Johnson 1973). Each is as if
 * it were alone: attention does not cross, positions restart, and the losses and gradients are those of one conversation a
 * row, but for rounding.
 */
public final class Packing {
    private Packing() {}

    /** Whether a conversation of so many tokens can be trained whole: its last token is only predicted, never read. */
    public static boolean fits(int tokens, int contextLength) {
        return tokens - 1 <= contextLength;
    }

    /**
     * A batch of whole conversations whose loss is the mean over their trained tokens.
     *
     * @param pad id that fills up rows; nothing of it counts
     * @throws IllegalArgumentException if a conversation does not fit the context
     */
    public static Batch pack(List<Rendered> conversations, int contextLength, int pad) {
        List<Row> rows = rows(conversations, contextLength);
        int length = rows.stream().mapToInt(row -> row.used).max().orElseThrow();
        int[] inputs = new int[rows.size() * length];
        int[] targets = new int[inputs.length];
        float[] weights = new float[inputs.length];
        int[] starts = new int[inputs.length];
        Arrays.fill(inputs, pad);
        Arrays.fill(targets, pad);
        for (int row = 0; row < rows.size(); row++) {
            int start = 0; // within the row
            for (Rendered conversation : rows.get(row).conversations) {
                int at = row * length + start;
                int count = conversation.tokens().length - 1;
                System.arraycopy(conversation.tokens(), 0, inputs, at, count);
                System.arraycopy(conversation.tokens(), 1, targets, at, count);
                for (int i = 0; i < count; i++) {
                    weights[at + i] = conversation.trained().get(i + 1) ? 1 : 0;
                }
                Arrays.fill(starts, at, at + count, start);
                start += count;
            }
            Arrays.fill(starts, row * length + start, (row + 1) * length, start);
        }
        return new Batch(rows.size(), length, inputs, targets, weights, starts);
    }

    private static List<Row> rows(List<Rendered> conversations, int contextLength) {
        List<Rendered> longestFirst = conversations.stream()
                .sorted(Comparator.comparingInt(conversation -> -conversation.tokens().length))
                .toList();
        List<Row> rows = new ArrayList<>();
        for (Rendered conversation : longestFirst) {
            int tokens = conversation.tokens().length;
            if (tokens < 2 || !fits(tokens, contextLength)) {
                throw new IllegalArgumentException(
                        "a conversation of " + tokens + " tokens cannot be trained in a context of " + contextLength);
            }
            Row row = rows.stream()
                    .filter(each -> each.used + tokens - 1 <= contextLength)
                    .findFirst()
                    .orElseGet(() -> {
                        rows.add(new Row());
                        return rows.get(rows.size() - 1);
                    });
            row.conversations.add(conversation);
            row.used += tokens - 1;
        }
        return rows;
    }

    /** A row as it fills. */
    private static final class Row {
        private final List<Rendered> conversations = new ArrayList<>();
        private int used;
    }
}

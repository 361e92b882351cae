package io.bardstream.gpt;

import ai.djl.ndarray.NDArray;
import java.util.Arrays;
import java.util.List;

/**
 * Sequences of different lengths as rows of one batch, filled up on the right. Attention looks back only, so what fills a
 * row up changes nothing before it.
 *
 * @param rows sequences, B
 * @param length tokens of the longest, T
 * @param tokens row by row
 * @param lengths real tokens of each row
 */
@SuppressWarnings("ArrayRecordComponent") // handed over, never compared
public record TokenRows(int rows, int length, int[] tokens, int[] lengths) {
    /**
     * @param fill id that fills rows up
     * @throws IllegalArgumentException if there is no sequence, or an empty one
     */
    public static TokenRows of(List<int[]> sequences, int fill) {
        int longest = sequences.stream().mapToInt(each -> each.length).max().orElse(0);
        int[] tokens = new int[sequences.size() * longest];
        Arrays.fill(tokens, fill);
        for (int row = 0; row < sequences.size(); row++) {
            int[] sequence = sequences.get(row);
            if (sequence.length == 0) {
                throw new IllegalArgumentException("sequence " + row + " is empty; it takes at least one token");
            }
            System.arraycopy(sequence, 0, tokens, row * longest, sequence.length);
        }
        if (longest == 0) {
            throw new IllegalArgumentException("no sequence is given");
        }
        int[] lengths = sequences.stream().mapToInt(each -> each.length).toArray();
        return new TokenRows(sequences.size(), longest, tokens, lengths);
    }

    /** The place of a row's last real token, row · T + length − 1. */
    public int last(int row) {
        return row * length + lengths[row] - 1;
    }

    /** The ids as the trunk takes them, (B, T). */
    public NDArray array(ForwardPass pass) {
        return Gpt.tokens(pass, rows, length, tokens);
    }
}

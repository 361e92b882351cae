package io.bardstream.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * Which labels a classifier gave to which texts.
 *
 * @param labels by number
 * @param counts row by row, of the texts with a label how many were given each
 * @param loss mean of −log p(label), nats a text
 */
public record Confusion(List<String> labels, List<List<Integer>> counts, double loss) {
    static Confusion of(List<String> labels, int[] truth, double[][] probabilities) {
        int[][] counts = new int[labels.size()][labels.size()];
        double loss = 0;
        for (int i = 0; i < truth.length; i++) {
            counts[truth[i]][likeliest(probabilities[i])]++;
            loss -= Math.log(Math.max(probabilities[i][truth[i]], Double.MIN_NORMAL));
        }
        List<List<Integer>> rows = new ArrayList<>();
        for (int[] row : counts) {
            rows.add(Arrays.stream(row).boxed().toList());
        }
        return new Confusion(labels, List.copyOf(rows), loss / truth.length);
    }

    /** The number of the greatest; the first of equals. */
    public static int likeliest(double... probabilities) {
        int best = 0;
        for (int i = 1; i < probabilities.length; i++) {
            best = probabilities[i] > probabilities[best] ? i : best;
        }
        return best;
    }

    public int texts() {
        return counts.stream().flatMap(List::stream).mapToInt(Integer::intValue).sum();
    }

    /** Share of the texts that were given their label. */
    public double accuracy() {
        return (double) IntStream.range(0, labels.size()).map(this::right).sum() / texts();
    }

    /** Mean over the labels of {@link #f1(int)}. */
    public double f1() {
        return IntStream.range(0, labels.size()).mapToDouble(this::f1).average().orElseThrow();
    }

    /** Harmonic mean of precision and recall; 0 where a label was never rightly given. */
    public double f1(int label) {
        int given = counts.stream().mapToInt(row -> row.get(label)).sum();
        int there = counts.get(label).stream().mapToInt(Integer::intValue).sum();
        return right(label) == 0 ? 0 : 2.0 * right(label) / (given + there);
    }

    private int right(int label) {
        return counts.get(label).get(label);
    }

    /** For a checkpoint's metrics: {@code accuracy}, {@code f1} over all and by label, and each count as {@code confusion.TRUE.GIVEN}. */
    public SortedMap<String, Double> metrics() {
        SortedMap<String, Double> metrics = new TreeMap<>();
        metrics.put("accuracy", accuracy());
        metrics.put("f1", f1());
        for (int i = 0; i < labels.size(); i++) {
            metrics.put("f1." + labels.get(i), f1(i));
            for (int j = 0; j < labels.size(); j++) {
                metrics.put("confusion.%s.%s".formatted(labels.get(i), labels.get(j)), (double)
                        counts.get(i).get(j));
            }
        }
        return metrics;
    }
}

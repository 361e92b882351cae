package io.bardstream.launcher;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Tables for people: columns as wide as what is in them. */
final class Table {
    private Table() {}

    /** Rows of equally many cells as lines of text. */
    static List<String> aligned(List<List<String>> rows) {
        int[] widths = IntStream.range(0, rows.get(0).size())
                .map(column -> rows.stream()
                        .mapToInt(row -> row.get(column).length())
                        .max()
                        .orElse(0))
                .toArray();
        return rows.stream()
                .map(row -> IntStream.range(0, widths.length)
                        .mapToObj(column -> row.get(column)
                                + " ".repeat(widths[column] - row.get(column).length()))
                        .collect(Collectors.joining("  "))
                        .stripTrailing())
                .toList();
    }
}

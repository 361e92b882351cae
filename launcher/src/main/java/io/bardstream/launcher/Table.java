package io.bardstream.launcher;

import java.util.List;
import java.util.function.IntPredicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Tables for people: columns as wide as what is in them. */
final class Table {
    private Table() {}

    /** Rows of equally many cells as lines of text. */
    static List<String> aligned(List<List<String>> rows) {
        return aligned(rows, column -> false);
    }

    /** @param right columns that are flush right, as numbers are read */
    static List<String> aligned(List<List<String>> rows, IntPredicate right) {
        int[] widths = IntStream.range(0, rows.get(0).size())
                .map(column -> rows.stream()
                        .mapToInt(row -> row.get(column).length())
                        .max()
                        .orElse(0))
                .toArray();
        return rows.stream()
                .map(row -> IntStream.range(0, widths.length)
                        .mapToObj(column -> padded(row.get(column), widths[column], right.test(column)))
                        .collect(Collectors.joining("  "))
                        .stripTrailing())
                .toList();
    }

    private static String padded(String cell, int width, boolean right) {
        String blanks = " ".repeat(width - cell.length());
        return right ? blanks + cell : cell + blanks;
    }
}

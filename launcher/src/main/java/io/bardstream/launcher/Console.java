package io.bardstream.launcher;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/**
 * Where people read along. On a terminal its last line may be a progress bar that is drawn over and over; elsewhere there are lines only. Safe for use by
 * several threads.
 */
final class Console {
    /** System properties, set by the script {@code bardstream}: whether standard output is a terminal, and how wide it is. */
    static final String TERMINAL = "bardstream.terminal";

    static final String COLUMNS = "bardstream.columns";

    private static final String ERASE_LINE = "\r\u001b[K";
    private static final int DEFAULT_COLUMNS = 100;

    private final PrintStream output;
    private final boolean terminal;
    private final int columns;
    private String bar = "";

    Console(PrintStream output, boolean terminal, int columns) {
        this.output = output;
        this.terminal = terminal;
        this.columns = columns;
    }

    /** Standard output, always in UTF-8: models write it, whatever the locale says. */
    static Console standard() {
        return new Console(
                new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8),
                Boolean.getBoolean(TERMINAL),
                Integer.getInteger(COLUMNS, DEFAULT_COLUMNS));
    }

    boolean terminal() {
        return terminal;
    }

    int columns() {
        return columns;
    }

    synchronized void line(String text) {
        output.print(bar.isEmpty() ? "" : ERASE_LINE);
        output.println(text);
        output.print(bar);
        output.flush();
    }

    /** A line that says what went wrong, and where. */
    void problem(String source, String text) {
        line("! " + source + ": " + text);
    }

    /** Replaces the progress bar; an empty one removes it. Only on a terminal. */
    synchronized void bar(String text) {
        if (terminal && !text.equals(bar)) {
            bar = text.length() < columns ? text : text.substring(0, Math.max(0, columns - 1));
            output.print(ERASE_LINE + bar);
            output.flush();
        }
    }

    /** Text without a line's end, as a model writes it. */
    synchronized void print(String text) {
        output.print(text);
        output.flush();
    }
}

package io.bardstream.service;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/** Reads a text line by line, one line in memory at a time. */
public final class JsonLines {
    /** Most bytes of a line. */
    public static final int LONGEST = 1 << 20;

    private static final int BUFFER = 1 << 16;

    private JsonLines() {}

    /** Takes a line. */
    public interface Reader {
        /**
         * @param number of the line, from 1
         * @param line its bytes without the line's end; null where they are more than {@link #LONGEST}
         */
        void line(long number, byte[] line) throws IOException;
    }

    /** Gives every line that is not blank to the reader; the last one may lack its end. */
    public static void read(InputStream text, Reader reader) throws IOException {
        InputStream in = new BufferedInputStream(text, BUFFER);
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        long number = 1;
        boolean tooLong = false;
        for (int b = in.read(); ; b = in.read()) {
            if (b == '\n' || b < 0) {
                if (tooLong || !line.toString(StandardCharsets.UTF_8).isBlank()) {
                    reader.line(number, tooLong ? null : line.toByteArray());
                }
                if (b < 0) {
                    return;
                }
                line.reset();
                tooLong = false;
                number++;
            } else if (line.size() == LONGEST) {
                tooLong = true;
            } else {
                line.write(b);
            }
        }
    }
}

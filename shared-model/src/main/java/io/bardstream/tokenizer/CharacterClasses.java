package io.bardstream.tokenizer;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * What GPT-2's split pattern knows of a character: letter ({@code \p{L}}), number ({@code \p{N}}), white space
 * ({@code \s}, Unicode's White_Space) or anything else.
 *
 * <p>The table is of Unicode 16.0, the version of tiktoken and of Hugging Face tokenizers, and is read from a resource
 * rather than from {@link Character}, whose version is the JDK's: a text has the same ids on every JDK.
 */
final class CharacterClasses {

    static final String RESOURCE = "unicode-16.0.txt";

    static final byte OTHER = 0;
    static final byte LETTER = 1;
    static final byte NUMBER = 2;
    static final byte SPACE = 3;

    /** The classes of U+0000 to U+007F. */
    static final byte[] ASCII;

    private static final int PAGE = 256;

    /** For each 256 code points the place of their page in {@link #PAGES}; most pages are of one class and shared. */
    private static final short[] PAGE_OF = new short[(Character.MAX_CODE_POINT + 1) / PAGE];

    private static final byte[] PAGES;

    static {
        byte[] classes = read();
        byte[] pages = new byte[PAGE_OF.length * PAGE];
        int count = 0;
        for (int page = 0; page < PAGE_OF.length; page++) {
            byte[] content = Arrays.copyOfRange(classes, page * PAGE, (page + 1) * PAGE);
            int same = 0;
            while (same < count && !Arrays.equals(pages, same * PAGE, (same + 1) * PAGE, content, 0, PAGE)) {
                same++;
            }
            if (same == count) {
                System.arraycopy(content, 0, pages, count++ * PAGE, PAGE);
            }
            PAGE_OF[page] = (short) same;
        }
        PAGES = Arrays.copyOf(pages, count * PAGE);
        ASCII = Arrays.copyOf(classes, 128);
    }

    private CharacterClasses() {}

    static byte of(int codePoint) {
        return PAGES[(PAGE_OF[codePoint >>> 8] << 8) | (codePoint & 0xFF)];
    }

    /** Reads the ranges {@code class first last}, the code points in hexadecimal. */
    private static byte[] read() {
        byte[] classes = new byte[Character.MAX_CODE_POINT + 1];
        try (InputStream in = CharacterClasses.class.getResourceAsStream(RESOURCE);
                BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.US_ASCII))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.startsWith("#")) {
                    continue;
                }
                String[] range = line.split(" ", 3);
                byte kind =
                        switch (range[0]) {
                            case "L" -> LETTER;
                            case "N" -> NUMBER;
                            case "S" -> SPACE;
                            default -> throw new IllegalStateException(RESOURCE + " has no class '" + range[0] + "'");
                        };
                Arrays.fill(classes, Integer.parseInt(range[1], 16), Integer.parseInt(range[2], 16) + 1, kind);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot read " + RESOURCE, e);
        }
        return classes;
    }
}

package io.bardstream.service;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** The texts that come with Bardstream to be continued: people are asked about them first, and PPO answers them. */
public final class BundledPrompts {
    private static final String FILE = "/prompts/shakespeare.txt";

    private BundledPrompts() {}

    /** One prompt a line, in which {@code \n} is a line break and {@code \\} a backslash; {@code #} begins a remark. */
    public static List<String> all() {
        try (InputStream file = BundledPrompts.class.getResourceAsStream(FILE)) {
            return new String(file.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.isEmpty() && !line.startsWith("#"))
                    .map(BundledPrompts::unescaped)
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException("the bundled prompts cannot be read", e);
        }
    }

    private static String unescaped(String line) {
        StringBuilder text = new StringBuilder(line.length());
        for (int i = 0; i < line.length(); i++) {
            char letter = line.charAt(i);
            if (letter != '\\') {
                text.append(letter);
                continue;
            }
            char escaped = ++i < line.length() ? line.charAt(i) : 0;
            switch (escaped) {
                case 'n' -> text.append('\n');
                case '\\' -> text.append('\\');
                default -> throw new IllegalStateException("in " + FILE + ": no such escape in '" + line + "'");
            }
        }
        return text.toString();
    }
}

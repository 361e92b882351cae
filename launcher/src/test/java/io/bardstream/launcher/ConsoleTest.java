package io.bardstream.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class ConsoleTest {
    private final ByteArrayOutputStream written = new ByteArrayOutputStream();

    @Test
    void onATerminalLinesAppearAboveTheBar() {
        // Given
        Console console = console(true, 80);
        console.bar("50 %");

        // When
        console.line("hello");

        // Then
        assertThat(text()).isEqualTo("\r\u001b[K50 %\r\u001b[Khello\n50 %");
    }

    @Test
    void elsewhereThereIsNoBarAndNoControlCharacter() {
        // Given
        Console console = console(false, 80);
        console.bar("50 %");

        // When
        console.line("hello");

        // Then
        assertThat(text()).isEqualTo("hello\n");
    }

    @Test
    void aBarNeverWraps() {
        // Given
        Console console = console(true, 5);

        // When
        console.bar("123456789");

        // Then
        assertThat(text()).endsWith("\u001b[K1234");
    }

    private Console console(boolean terminal, int columns) {
        return new Console(new PrintStream(written, true, StandardCharsets.UTF_8), terminal, columns);
    }

    private String text() {
        return written.toString(StandardCharsets.UTF_8).replace(System.lineSeparator(), "\n");
    }
}

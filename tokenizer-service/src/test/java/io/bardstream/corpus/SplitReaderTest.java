package io.bardstream.corpus;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.Reader;
import java.io.StringReader;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class SplitReaderTest {
    @Test
    void cutsWhereNanoGptCuts() {
        // tinyshakespeare: 1,115,394 characters, nanoGPT's train.txt has 1,003,854 and val.txt 111,540
        assertThat(SplitReader.trainingCharacters(1_115_394, 0.1)).isEqualTo(1_003_854);
        assertThat(SplitReader.trainingCharacters(1_115_394, 0.5)).isEqualTo(557_697);
        assertThat(SplitReader.trainingCharacters(10, 0.1)).isEqualTo(9);
    }

    @Test
    void neverCutsACharacterInTwo() throws IOException {
        String text = "a😀é😀中b😀";
        int characters = text.codePointCount(0, text.length());
        for (int cut = 0; cut <= characters; cut++) {
            for (int buffer = 1; buffer < 5; buffer++) {
                // Given
                Reader shared = new StringReader(text);
                SplitReader first = new SplitReader(shared, cut);
                SplitReader rest = new SplitReader(shared, Long.MAX_VALUE);
                int at = text.offsetByCodePoints(0, cut);

                // When, Then
                assertThat(drain(first, buffer)).isEqualTo(text.substring(0, at));
                assertThat(drain(rest, buffer)).isEqualTo(text.substring(at));
                assertThat(first.bytes()).isEqualTo(text.substring(0, at).getBytes(StandardCharsets.UTF_8).length);
                assertThat(rest.bytes()).isEqualTo(text.substring(at).getBytes(StandardCharsets.UTF_8).length);
            }
        }
    }

    private static String drain(Reader reader, int buffer) throws IOException {
        StringWriter text = new StringWriter();
        char[] chars = new char[buffer];
        for (int read; (read = reader.read(chars, 0, buffer)) >= 0; ) {
            text.write(chars, 0, read);
        }
        return text.toString();
    }
}

package io.bardstream.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CharacterClassesTest {

    @Test
    void holdsAsManyCharactersOfEachClassAsUnicode16() {
        // Counted with Rust's regex-syntax, as tiktoken uses it.
        assertThat(count(CharacterClasses.LETTER)).isEqualTo(141_028);
        assertThat(count(CharacterClasses.NUMBER)).isEqualTo(1_911);
        assertThat(count(CharacterClasses.SPACE)).isEqualTo(25);
    }

    @Test
    void agreesWithTheJdkOnEveryCharacterThatTheJdkKnows() {
        IntStream differing = codePoints()
                .filter(c -> Character.getType(c) != Character.UNASSIGNED)
                .filter(c -> CharacterClasses.of(c) != classByJdk(c));

        assertThat(differing.mapToObj(Integer::toHexString)).isEmpty();
    }

    @Test
    void isWhatTheGeneratorWrites() throws IOException {
        assumeThat(System.getProperty("java.specification.version"))
                .as("the generator needs a JDK of Unicode 16.0, 24 or 25")
                .isIn("24", "25");

        byte[] resource = CharacterClasses.class
                .getResourceAsStream(CharacterClasses.RESOURCE)
                .readAllBytes();

        assertThat(CharacterClassesGenerator.generate()).isEqualTo(new String(resource, StandardCharsets.US_ASCII));
    }

    @ParameterizedTest
    @CsvSource({
        "0009, 3", "000B, 3", "000D, 3", "0020, 3", "0085, 3", "00A0, 3", "1680, 3", "2028, 3", "2029, 3", "202F, 3",
        "205F, 3", "3000, 3", "001C, 0", "001D, 0", "001E, 0", "001F, 0", "180E, 0", "200B, 0", "200D, 0", "FEFF, 0",
        "0000, 0", "0301, 0", "00AA, 1", "02B0, 1", "4E00, 1", "10D4A, 1", "00BD, 2", "2167, 2", "0663, 2", "10D40, 2",
        "1F600, 0", "10FFFF, 0", "E000, 0"
    })
    void classifiesTheCharactersThatTokenizersDisagreeOn(String hex, byte expected) {
        assertThat(CharacterClasses.of(Integer.parseInt(hex, 16))).isEqualTo(expected);
    }

    private static long count(byte kind) {
        return codePoints().filter(c -> CharacterClasses.of(c) == kind).count();
    }

    private static IntStream codePoints() {
        return IntStream.rangeClosed(0, Character.MAX_CODE_POINT)
                .filter(c -> c < Character.MIN_SURROGATE || c > Character.MAX_SURROGATE);
    }

    private static byte classByJdk(int codePoint) {
        if (Character.isLetter(codePoint)) {
            return CharacterClasses.LETTER;
        }
        if (CharacterClassesGenerator.isNumber(codePoint)) {
            return CharacterClasses.NUMBER;
        }
        return CharacterClassesGenerator.isSpace(codePoint) ? CharacterClasses.SPACE : CharacterClasses.OTHER;
    }
}

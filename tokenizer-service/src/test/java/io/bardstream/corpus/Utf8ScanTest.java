package io.bardstream.corpus;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class Utf8ScanTest {
    @ParameterizedTest
    @CsvSource({
        "61 62 ff 63, 2",
        "c3 a9 80, 2",
        "c0 80, 0", // overlong NUL
        "61 e0 80 80, 1", // overlong
        "61 ed a0 80, 1", // a surrogate
        "f4 90 80 80, 0", // above U+10FFFF
        "61 62 f0 9f 98, 2", // ends inside a character
        "e4 b8 ad e4 b8 61, 3",
    })
    void namesWhereTheFirstMalformedCharacterStarts(String hex, long offset) {
        assertThat(scan(HexFormat.ofDelimiter(" ").parseHex(hex), 64).malformedAt())
                .hasValue(offset);
    }

    @Test
    void countsCodePointsWhereverThePiecesAreCut() {
        String text = "a\0é中😀\uFEFF\uFFFF\n".repeat(3);
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        for (int piece = 1; piece <= bytes.length; piece++) {
            Utf8Scan scan = scan(bytes, piece);
            assertThat(scan.malformedAt()).isEmpty();
            assertThat(scan.characters()).isEqualTo(text.codePointCount(0, text.length()));
        }
    }

    @Test
    void judgesRandomBytesAsTheJdkDoes() {
        Random random = new Random(7);
        int wellFormed = 0;
        for (int round = 0; round < 200_000; round++) {
            byte[] bytes = new byte[random.nextInt(1, 5)];
            random.nextBytes(bytes);
            boolean expected = isUtf8(bytes);
            wellFormed += expected ? 1 : 0;
            assertThat(scan(bytes, 3).malformedAt().isEmpty())
                    .as(HexFormat.of().formatHex(bytes))
                    .isEqualTo(expected);
        }
        assertThat(wellFormed).isBetween(10_000, 190_000);
    }

    private static Utf8Scan scan(byte[] bytes, int pieceLength) {
        Utf8Scan scan = new Utf8Scan();
        for (int at = 0; at < bytes.length; at += pieceLength) {
            int length = Math.min(pieceLength, bytes.length - at);
            byte[] piece = new byte[pieceLength];
            System.arraycopy(bytes, at, piece, 0, length);
            if (!scan.add(piece, length)) {
                break;
            }
        }
        return scan;
    }

    private static boolean isUtf8(byte[] bytes) {
        try {
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes));
            return true;
        } catch (CharacterCodingException e) {
            return false;
        }
    }
}

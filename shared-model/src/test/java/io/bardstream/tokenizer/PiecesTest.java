package io.bardstream.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.domains.Domain;
import net.jqwik.api.domains.DomainContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Domain(Texts.class)
@Domain(DomainContext.Global.class)
class PiecesTest {

    @Property(tries = 2000)
    void cutsAsTheSplitPatternDoes(@ForAll String text) {
        assertThat(pieces(text)).isEqualTo(Texts.pieces(text));
    }

    @Property(tries = 2000)
    void cutsAlikeWhereverTheTextIsPartedIntoParts(
            @ForAll String text, @ForAll @Size(min = 1, max = 5) List<@IntRange(min = 1, max = 9) Integer> lengths) {
        Pieces pieces = new Pieces(1);
        List<String> found = new ArrayList<>();
        char[] chars = text.toCharArray();
        int part = 0;
        for (int at = 0; at < chars.length; part++) {
            int to = Math.min(chars.length, at + lengths.get(part % lengths.size()));
            pieces.append(chars, at, to);
            drain(pieces, found);
            at = to;
        }
        pieces.endText();
        drain(pieces, found);

        assertThat(found).isEqualTo(Texts.pieces(text));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "   ",
                "a",
                " a",
                "  a",
                " \u3000a",
                "\u3000\u3000",
                "\n\na",
                "'",
                "''s",
                " 's",
                "'l",
                "'r",
                "'ll've",
                "!'s",
                "a'sb",
                "x  \n  y",
                "1a1 \u00bd",
                "\u0000\u0000 \u0000",
                "😀 😀",
                "a\u0301b"
            })
    void cutsTheSmallestTextsAsTheSplitPatternDoes(String text) {
        assertThat(pieces(text)).isEqualTo(Texts.pieces(text));
    }

    @Test
    void handsNothingOutThatMayStillGrow() {
        Pieces pieces = new Pieces(8);
        char[] text = "hello".toCharArray();

        pieces.append(text, 0, text.length);

        assertThat(pieces.next()).isFalse();
        pieces.endText();
        assertThat(pieces.next()).isTrue();
    }

    @Test
    void givesTheBytesOfAPieceInLittleEndianWords() {
        Pieces pieces = new Pieces(8);
        char[] text = "abcdefghij".toCharArray();
        pieces.append(text, 0, text.length);
        pieces.endText();

        assertThat(pieces.next()).isTrue();

        assertThat(pieces.word(pieces.start())).isEqualTo(0x6867666564636261L);
        assertThat(pieces.word(pieces.start() + 8)).isEqualTo(0x6A69L);
        assertThat(pieces.word(pieces.start() + 16)).isZero();
    }

    private static List<String> pieces(String text) {
        Pieces pieces = new Pieces(text.length());
        List<String> found = new ArrayList<>();
        pieces.append(text.toCharArray(), 0, text.length());
        drain(pieces, found);
        pieces.endText();
        drain(pieces, found);
        return found;
    }

    private static void drain(Pieces pieces, List<String> into) {
        while (pieces.next()) {
            into.add(new String(pieces.utf8(), pieces.start(), pieces.end() - pieces.start(), StandardCharsets.UTF_8));
        }
    }
}

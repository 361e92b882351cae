package io.bardstream.sample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bardstream.event.InvalidFieldException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

class TextStreamTest {
    @Example
    void aCharacterIsHeldUntilItsLastByte() {
        TextStream stream = new TextStream(List.of());
        byte[] emoji = utf8("🎭");

        assertThat(stream.accept(Arrays.copyOfRange(emoji, 0, 1))).isEmpty();
        assertThat(stream.accept(Arrays.copyOfRange(emoji, 1, 3))).isEmpty();
        assertThat(stream.accept(Arrays.copyOfRange(emoji, 3, 4))).isEqualTo("🎭");
        assertThat(stream.finish()).isEmpty();
    }

    @Example
    void anUnfinishedCharacterAtTheEndIsReplaced() {
        TextStream stream = new TextStream(List.of());

        assertThat(stream.accept(Arrays.copyOf(utf8("é"), 1)) + stream.finish()).isEqualTo("\uFFFD");
    }

    @Example
    void aStopStringOverThreeTokensEndsTheTextBeforeIt() {
        TextStream stream = new TextStream(List.of("\nROMEO:"));

        assertThat(stream.accept(utf8("Good night.\nRO"))).isEqualTo("Good night.");
        assertThat(stream.accept(utf8("ME"))).isEmpty();
        assertThat(stream.stopped()).isFalse();
        assertThat(stream.accept(utf8("O: but soft"))).isEmpty();
        assertThat(stream.stopped()).isTrue();
        assertThat(stream.accept(utf8("more"))).isEmpty();
        assertThat(stream.finish()).isEmpty();
    }

    @Example
    void aBeginningThatLeadsNowhereIsGivenOut() {
        TextStream stream = new TextStream(List.of("aab"));

        assertThat(stream.accept(utf8("aa"))).isEmpty();
        assertThat(stream.accept(utf8("a"))).isEqualTo("a");
        assertThat(stream.accept(utf8("c"))).isEqualTo("aac");
        assertThat(stream.accept(utf8("a"))).isEmpty();
        assertThat(stream.finish()).isEqualTo("a");
    }

    @Example
    void anEmptyStopStringIsRefused() {
        assertThatThrownBy(() -> new TextStream(List.of("x", "")))
                .isInstanceOfSatisfying(
                        InvalidFieldException.class, e -> assertThat(e.field()).isEqualTo("stop"));
    }

    @Property(tries = 500)
    void anyBytesInAnyPiecesGiveTheTextOfTheWhole(
            @ForAll @Size(max = 60) byte[] bytes, @ForAll @IntRange(min = 1, max = 7) int piece) {
        TextStream stream = new TextStream(List.of());

        assertThat(inPieces(stream, bytes, piece)).isEqualTo(new String(bytes, StandardCharsets.UTF_8));
    }

    @Property(tries = 2000)
    void wherePiecesEndMakesNoDifferenceToStopping(
            @ForAll("fewLetters") String text,
            @ForAll("stops") List<String> stops,
            @ForAll @IntRange(min = 1, max = 7) int piece) {
        String result = inPieces(new TextStream(stops), utf8(text), piece);

        assertThat(result).isEqualTo(beforeFirstCompleted(text, stops));
    }

    @Provide
    Arbitrary<String> fewLetters() {
        return Arbitraries.strings().withChars('a', 'b', 'é').ofMaxLength(24);
    }

    @Provide
    Arbitrary<List<String>> stops() {
        return Arbitraries.strings()
                .withChars('a', 'b', 'é')
                .ofMinLength(1)
                .ofMaxLength(4)
                .list()
                .ofMaxSize(3);
    }

    private static String beforeFirstCompleted(String text, List<String> stops) {
        for (int end = 1; end <= text.length(); end++) {
            String head = text.substring(0, end);
            int start = stops.stream()
                    .filter(head::endsWith)
                    .mapToInt(stop -> head.length() - stop.length())
                    .min()
                    .orElse(-1);
            if (start >= 0) {
                return text.substring(0, start);
            }
        }
        return text;
    }

    private static String inPieces(TextStream stream, byte[] bytes, int size) {
        StringBuilder text = new StringBuilder();
        for (int from = 0; from < bytes.length; from += size) {
            String piece = stream.accept(Arrays.copyOfRange(bytes, from, Math.min(from + size, bytes.length)));
            if (!piece.isEmpty()) {
                assertThat(Character.isHighSurrogate(piece.charAt(piece.length() - 1)))
                        .isFalse();
            }
            text.append(piece);
        }
        return text.append(stream.finish()).toString();
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}

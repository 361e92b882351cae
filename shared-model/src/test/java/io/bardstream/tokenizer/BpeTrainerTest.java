package io.bardstream.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.domains.Domain;
import net.jqwik.api.domains.DomainContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BpeTrainerTest {

    @Test
    void mergesWhatStandsFirstWhenCountsTie() {
        // Given "ab", " cd", " ab", " cd": (a,b), (Ġ,c) and (c,d) occur twice, (Ġ,ab) then once
        BpeTokenizer tokenizer = trained("ab cd ab cd", 300, List.of());

        assertThat(tokenizer.mergesTxt()).isEqualTo("#version: 0.2\na b\nĠ c\nĠc d\n");
        assertThat(tokenizer.vocabularySize()).isEqualTo(259);
    }

    @Test
    void countsOverlappingPairsAsTheyStand() {
        // Given "aaaa": (a,a) stands three times; merged from the left it is (aa,aa), which stands once
        BpeTokenizer tokenizer = trained("aaaa", 300, List.of());

        assertThat(tokenizer.mergesTxt()).isEqualTo("#version: 0.2\na a\n");
    }

    @Test
    void givesTheSpecialTokensTheLastIds() {
        BpeTokenizer tokenizer = trained(Texts.VERSE, 300, SpecialTokens.ALL);

        assertThat(tokenizer.vocabularySize()).isEqualTo(300);
        assertThat(tokenizer.mergeCount()).isEqualTo(300 - 256 - 6);
        assertThat(tokenizer.specialTokens().values()).containsExactly(294, 295, 296, 297, 298, 299);
        assertThat(tokenizer.endOfText()).isEqualTo(294);
    }

    @Test
    void learnsTheMergesOfThePlainTrainer() {
        assertThat(merges(trained(Texts.VERSE, 1000, List.of()))).isEqualTo(PlainTrainer.merges(Texts.VERSE, 744));
    }

    @Property(tries = 1000)
    void learnsTheMergesOfThePlainTrainerFromAnyLetters(@ForAll("letters") String text) {
        assertThat(merges(trained(text, 400, List.of()))).isEqualTo(PlainTrainer.merges(text, 144));
    }

    @Property(tries = 300)
    @Domain(Texts.class)
    @Domain(DomainContext.Global.class)
    void learnsTheMergesOfThePlainTrainerFromAnyText(@ForAll String text) {
        String twice = text + " " + text;

        assertThat(merges(trained(twice, 330, List.of()))).isEqualTo(PlainTrainer.merges(twice, 74));
    }

    /** Few letters, so that pairs repeat, overlap and tie. */
    @Provide
    Arbitrary<String> letters() {
        return Arbitraries.strings().withChars("aaabbc ").ofMaxLength(120);
    }

    @Property(tries = 200)
    @Domain(Texts.class)
    @Domain(DomainContext.Global.class)
    void takesATextInPartsCutAnywhere(@ForAll String text, @ForAll @IntRange(min = 1, max = 20) int length)
            throws IOException {
        String longer = text + Texts.VERSE + text;
        BpeTrainer inParts = new BpeTrainer(320, SpecialTokens.ALL);
        for (int at = 0; at < longer.length(); at += length) {
            inParts.add(longer.substring(at, Math.min(longer.length(), at + length)));
        }
        BpeTrainer fromReader = new BpeTrainer(320, SpecialTokens.ALL);
        fromReader.add(new StringReader(longer));

        String whole = trained(longer, 320, SpecialTokens.ALL).mergesTxt();

        assertThat(inParts.train(BpeTrainer.ProgressListener.NONE).mergesTxt()).isEqualTo(whole);
        assertThat(fromReader.train(BpeTrainer.ProgressListener.NONE).mergesTxt())
                .isEqualTo(whole);
    }

    @Test
    void stopsWhenNoPairOccursTwice() {
        BpeTokenizer tokenizer = trained("the cat the", 50_000, SpecialTokens.ALL);

        // "the" and " the" share t-h-e alone.
        assertThat(tokenizer.mergesTxt()).isEqualTo("#version: 0.2\nt h\nth e\n");
        assertThat(tokenizer.vocabularySize()).isEqualTo(256 + 2 + 6);
    }

    @Test
    void learnsNothingFromNoText() {
        assertThat(trained("", 300, SpecialTokens.ALL).vocabularySize()).isEqualTo(262);
    }

    @Test
    void tellsOfItsProgress() {
        List<String> told = new ArrayList<>();
        BpeTrainer trainer = new BpeTrainer(259, List.of());
        trainer.add(Texts.VERSE);

        trainer.train((merges, wanted) -> told.add(merges + "/" + wanted));

        assertThat(told).containsExactly("1/3", "2/3", "3/3");
    }

    @Test
    void isEndedByAListenerThatThrows() {
        BpeTrainer trainer = new BpeTrainer(300, List.of());
        trainer.add(Texts.VERSE);

        assertThatThrownBy(() -> trainer.train((merges, wanted) -> {
                    throw new IllegalStateException("cancelled");
                }))
                .hasMessage("cancelled");
    }

    @Test
    @Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void trainsOnAMillionLettersWithoutABlank() {
        // Given a single word of a million letters, whose cost must not grow with each merge
        String text = "abacabadabacabae".repeat(62_500);

        BpeTokenizer tokenizer = trained(text, 300, List.of());

        assertThat(tokenizer.decode(tokenizer.encode(text))).isEqualTo(text);
        assertThat(tokenizer.encode(text).length).isLessThan(100);
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 0, 261, (1 << 20) + 1})
    void refusesSizesThatCannotBe(int size) {
        assertThatThrownBy(() -> new BpeTrainer(size, SpecialTokens.ALL))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll("is " + size + ",", "262", "1048576");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a", "end", " the", "\uD83D"})
    void refusesSpecialTokensThatTextCouldBecome(String special) {
        assertThatThrownBy(() -> new BpeTrainer(300, List.of(special)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("special token");
    }

    @Test
    void refusesASpecialTokenThatStandsTwice() {
        assertThatThrownBy(() -> new BpeTrainer(300, List.of("<|a|>", "<|a|>")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("twice");
    }

    @Test
    void refusesALoneSurrogateNamingItsPositionInTheText() {
        BpeTrainer trainer = new BpeTrainer(300, List.of());
        trainer.add("ab\uD83D");

        assertThatThrownBy(() -> trainer.add("cd"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("Character 2 ");
    }

    private static BpeTokenizer trained(String text, int size, List<String> specials) {
        BpeTrainer trainer = new BpeTrainer(size, specials);
        trainer.add(text);
        return trainer.train(BpeTrainer.ProgressListener.NONE);
    }

    private static List<PlainTrainer.Pair> merges(BpeTokenizer tokenizer) {
        return tokenizer
                .mergesTxt()
                .lines()
                .skip(1)
                .map(line -> line.split(" "))
                .map(halves -> new PlainTrainer.Pair(halves[0], halves[1]))
                .collect(Collectors.toList());
    }
}

package io.bardstream.launcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The tastes of the scripted annotator. */
class TasteTest {
    @ParameterizedTest
    @CsvSource({
        "THOU, 'Thou art kind, and thy hand is thine.', 3",
        "THOU, 'Without youth they thouroughly thrive.', 0",
        "SHORT_LINES, 'abcd\n\nab', -3",
        "SHORT_LINES, '', 0",
        "RHYME, 'The night\nis bright\nand cold', 1",
        "RHYME, 'so I say\nso I say', 0",
        "CALM, 'No! No!', -2"
    })
    void aTextHasSoMuchOfIt(Taste taste, String text, double measure) {
        assertThat(taste.of(text)).isCloseTo(measure, within(1e-9));
    }

    @Test
    void aVoteIsForTheTextThatHasMoreAndATieWhereBothHaveAsMuch() {
        SplittableRandom random = new SplittableRandom(1);

        assertThat(Taste.THOU.vote("thou", "you", 0, random)).isEqualTo("a");
        assertThat(Taste.THOU.vote("you", "thy", 0, random)).isEqualTo("b");
        assertThat(Taste.THOU.vote("you", "he", 0.5, random)).isEqualTo("tie");
        assertThat(Taste.CALM.vote("Oh!", "Oh.", 0, random)).isEqualTo("b");
    }

    @Test
    void noiseFlipsThatShareOfTheVotes() {
        SplittableRandom random = new SplittableRandom(5);
        int flipped = 0;
        for (int i = 0; i < 10_000; i++) {
            flipped += Taste.THOU.vote("thou", "you", 0.3, random).equals("b") ? 1 : 0;
        }

        assertThat(flipped).isBetween(2_800, 3_200); // four deviations of 10,000 draws at 0.3
    }

    @Test
    void namesAreThoseOfTheCommandLine() {
        assertThat(Taste.names()).isEqualTo("thou, short-lines, rhyme, calm");
    }
}

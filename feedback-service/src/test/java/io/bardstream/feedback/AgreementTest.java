package io.bardstream.feedback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.bardstream.service.Share;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class AgreementTest {
    /** The example of Krippendorff 2011, section C: nominal data, any number of observers, missing data. */
    @Test
    void itIsTheAlphaOfThePaper() {
        List<int[]> units = List.of(
                units(1, 1, 1),
                units(2, 2, 3, 2),
                units(3, 3, 3, 3),
                units(3, 3, 3, 3),
                units(2, 2, 2, 2),
                units(1, 2, 3, 4),
                units(4, 4, 4, 4),
                units(1, 1, 2, 1),
                units(2, 2, 2, 2),
                units(5, 5, 5),
                units(1, 1),
                units(3));

        Agreement agreement = Agreement.of(units);

        assertThat(agreement.alpha()).isCloseTo(0.743, within(0.0005));
        assertThat(agreement.pairs()).isEqualTo(11);
    }

    @Test
    void peopleWhoAlwaysAgreeHaveAlphaOneAndThoseWhoGuessAboutZero() {
        assertThat(Agreement.of(List.of(new int[] {2, 0}, new int[] {0, 2}))).isEqualTo(new Agreement(2, 1.0, 1.0));
        assertThat(Agreement.of(List.of(new int[] {2, 0}, new int[] {1, 1}, new int[] {1, 1}, new int[] {0, 2}))
                        .alpha())
                .isCloseTo(1 - 0.5 / (4.0 / 7), within(1e-12));
    }

    @Test
    void withoutAnythingToCompareThereIsNone() {
        assertThat(Agreement.of(List.of(new int[] {1, 0}))).isEqualTo(new Agreement(0, null, null));
        assertThat(Agreement.of(List.of(new int[] {2, 0})))
                .as("one category says nothing")
                .isEqualTo(new Agreement(1, 1.0, null));
    }

    @Test
    void theIntervalIsWilsons() {
        Share share = Share.of(8, 10);

        assertThat(share.value()).isEqualTo(0.8);
        assertThat(share.low()).isCloseTo(0.4902, within(0.0001));
        assertThat(share.high()).isCloseTo(0.9433, within(0.0001));
        assertThat(Share.of(0, 0).value()).isNull();
    }

    private static int[] units(int... values) {
        int[] counts = new int[6];
        Arrays.stream(values).forEach(value -> counts[value]++);
        return counts;
    }
}

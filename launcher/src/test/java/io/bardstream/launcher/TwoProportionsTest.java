package io.bardstream.launcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.data.Percentage.withPercentage;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The test that says whether a taste rose. */
class TwoProportionsTest {
    @ParameterizedTest
    @CsvSource({
        // before, of, after, of, z and p, worked out by hand from the formula, the tail by C's erfc
        "60, 200, 90, 200, 3.098386676965934, 9.728868468695746e-4",
        "5, 200, 1, 200, -1.6453801395794543, 0.9500542787074888",
        "60, 200, 197, 200, 14.29275609028635, 1.2140330425578771e-46",
        "0, 200, 200, 200, 20, 2.7536241186063314e-89",
        "100, 200, 100, 200, 0, 0.5"
    })
    void itsNumbersAreThoseOfTheFormula(int before, int ofBefore, int after, int ofAfter, double z, double p) {
        TwoProportions rise = new TwoProportions(before, ofBefore, after, ofAfter);

        assertThat(rise.z()).isCloseTo(z, within(1e-12));
        assertThat(rise.p()).isCloseTo(p, withPercentage(1e-6));
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "7, 7"})
    void whereNothingVariesNothingRose(int before, int after) {
        assertThat(new TwoProportions(before, 7, after, 7).p()).isEqualTo(0.5);
    }

    @Test
    void theTailIsSmoothWhereSeriesAndFractionMeet() {
        assertThat(TwoProportions.upperTail(5)).isCloseTo(2.866515718791939e-7, withPercentage(1e-6));
        assertThat(TwoProportions.upperTail(5.0000001)).isCloseTo(2.8665142e-7, withPercentage(1e-4));
    }

    @Test
    void moreThanThereAreIsNoShare() {
        assertThatThrownBy(() -> new TwoProportions(8, 7, 0, 7)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new TwoProportions(0, 0, 0, 7)).isInstanceOf(IllegalArgumentException.class);
    }
}

package io.bardstream.sample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.bardstream.event.InvalidFieldException;
import java.util.BitSet;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SamplerTest {
    /** Probabilities 0.5, 0.25, 0.125, 0.0625, 0.0625. */
    private static final float[] HALVES = logs(0.5, 0.25, 0.125, 0.0625, 0.0625);

    @Test
    void greedyTakesTheLikeliestAndTheLowerIdOfTwo() {
        Sampler sampler = new Sampler(SamplingParameters.GREEDY, 4, 1, 0);

        int token = sampler.next(new float[] {1, 3, 3, 2});

        assertThat(token).isEqualTo(1);
    }

    @Test
    void drawsInProportionToTheProbabilities() {
        double[] frequencies = frequencies(SamplingParameters.DEFAULT, HALVES, 40_000);

        double[] expected = {0.5, 0.25, 0.125, 0.0625, 0.0625};
        for (int token = 0; token < 5; token++) {
            // Five standard deviations of a binomial share at 40,000 draws are at most 0.0125.
            assertThat(frequencies[token]).isCloseTo(expected[token], within(0.0125));
        }
    }

    @Test
    void temperatureRaisesProbabilitiesToItsInverse() {
        // p² / Σ p² of the halves: 0.25, 0.0625, 0.015625, twice 0.00390625 over 0.3359375
        double[] frequencies = frequencies(SamplingParameters.DEFAULT.withTemperature(0.5), HALVES, 40_000);

        assertThat(frequencies[0]).isCloseTo(0.25 / 0.3359375, within(0.0125));
        assertThat(frequencies[1]).isCloseTo(0.0625 / 0.3359375, within(0.0125));
        assertThat(frequencies[4]).isCloseTo(0.00390625 / 0.3359375, within(0.0125));
    }

    @Test
    void aTemperatureNearZeroIsGreedyNotInfinite() {
        assertThat(support(SamplingParameters.DEFAULT.withTemperature(1e-320), HALVES))
                .hasToString("{0}");
    }

    @ParameterizedTest
    @CsvSource({"1,{0}", "2,'{0, 1}'", "4,'{0, 1, 2, 3}'", "0,'{0, 1, 2, 3, 4}'", "99,'{0, 1, 2, 3, 4}'"})
    void topKKeepsTheKLikeliestAndOfEqualsTheLowerId(int topK, String kept) {
        assertThat(support(SamplingParameters.DEFAULT.withTopK(topK), HALVES)).hasToString(kept);
    }

    @ParameterizedTest
    @CsvSource({
        "0,{0}",
        "0.4,{0}",
        "0.5,{0}",
        "0.51,'{0, 1}'",
        "0.75,'{0, 1}'",
        "0.8,'{0, 1, 2}'",
        "0.9,'{0, 1, 2, 3}'",
        "1,'{0, 1, 2, 3, 4}'"
    })
    void topPKeepsTheSmallestSetThatHoldsTheMass(double topP, String kept) {
        assertThat(support(SamplingParameters.DEFAULT.withTopP(topP), HALVES)).hasToString(kept);
    }

    @ParameterizedTest
    @CsvSource({"0.2,'{0, 1, 2}'", "0.3,'{0, 1}'", "0.6,{0}", "1,{0}"})
    void minPDropsWhatIsFarBelowTheLikeliest(double minP, String kept) {
        assertThat(support(SamplingParameters.DEFAULT.withMinP(minP), HALVES)).hasToString(kept);
    }

    @Test
    void topPMeasuresTheMassThatTopKLeft() {
        // Of 0.5 and 0.25 the first holds two thirds.
        SamplingParameters parameters = SamplingParameters.DEFAULT.withTopK(2);

        assertThat(support(parameters.withTopP(0.66), HALVES)).hasToString("{0}");
        assertThat(support(parameters.withTopP(0.67), HALVES)).hasToString("{0, 1}");
    }

    @Test
    void aTruncatedDistributionIsTheRenormalisedOne() {
        double[] frequencies = frequencies(SamplingParameters.DEFAULT.withTopK(2), HALVES, 40_000);

        assertThat(frequencies[0]).isCloseTo(2.0 / 3, within(0.0125));
        assertThat(frequencies[1]).isCloseTo(1.0 / 3, within(0.0125));
    }

    @Test
    void presenceCountsOnceAndFrequencyEachTime() {
        float[] logits = {5, 4.5f, 3.6f};
        Sampler presence = new Sampler(SamplingParameters.GREEDY.withPresencePenalty(1), 3, 1, 0);
        Sampler frequency = new Sampler(SamplingParameters.GREEDY.withFrequencyPenalty(1), 3, 1, 0);

        // Presence: 5 | 4 4.5 → 1 | 4 3.5 3.6 → 0 | the same for ever.
        assertThat(tokens(presence, logits, 5)).containsExactly(0, 1, 0, 0, 0);
        // Frequency: 5 | 4 4.5 → 1 | 4 3.5 3.6 → 0 | 3 3.5 3.6 → 2 | 3 3.5 2.6 → 1
        assertThat(tokens(frequency, logits, 5)).containsExactly(0, 1, 0, 2, 1);
    }

    @Test
    void repetitionPenaltyDividesPositiveAndMultipliesNegativeLogitsOfThePromptToo() {
        Sampler positive = new Sampler(SamplingParameters.GREEDY.withRepetitionPenalty(2), 2, 1, 0);
        positive.observePrompt(0);
        Sampler negative = new Sampler(SamplingParameters.GREEDY.withRepetitionPenalty(2), 2, 1, 0);
        negative.observePrompt(0);

        assertThat(positive.next(new float[] {3, 2})).isEqualTo(1);
        assertThat(negative.next(new float[] {-1, -1.5f})).isEqualTo(1);
    }

    @Test
    void presencePenaltyLeavesThePromptAlone() {
        Sampler sampler = new Sampler(SamplingParameters.GREEDY.withPresencePenalty(2), 2, 1, 0);
        sampler.observePrompt(0);

        assertThat(sampler.next(new float[] {3, 2})).isZero();
    }

    @Test
    void biasForbidsAndForces() {
        SamplingParameters parameters = SamplingParameters.DEFAULT.withLogitBias(Map.of(0, -100.0, 4, 100.0));

        assertThat(support(parameters, HALVES)).hasToString("{4}");
    }

    @Test
    void biasOnATokenThatDoesNotExistNamesTheField() {
        SamplingParameters parameters = SamplingParameters.DEFAULT.withLogitBias(Map.of(5, 1.0));

        assertThatThrownBy(() -> new Sampler(parameters, 5, 1, 0))
                .isInstanceOfSatisfying(
                        InvalidFieldException.class, e -> assertThat(e.field()).isEqualTo("logit_bias"))
                .hasMessage("logit_bias: names token 5; the vocabulary's last id is 4");
    }

    @Test
    void logitsBeyondTheVocabularyAreNeverDrawn() {
        Sampler sampler = new Sampler(SamplingParameters.GREEDY, 2, 1, 0);

        assertThat(sampler.next(new float[] {1, 0, 99})).isZero();
    }

    @Test
    void equalSeedsAndChoicesDrawEqualTokensAndOthersDoNot() {
        float[] flat = new float[1000];

        int[] first = tokens(new Sampler(SamplingParameters.DEFAULT, 1000, 42, 0), flat, 20);

        assertThat(tokens(new Sampler(SamplingParameters.DEFAULT, 1000, 42, 0), flat, 20))
                .containsExactly(first);
        assertThat(tokens(new Sampler(SamplingParameters.DEFAULT, 1000, 43, 0), flat, 20))
                .isNotEqualTo(first);
        assertThat(tokens(new Sampler(SamplingParameters.DEFAULT, 1000, 42, 1), flat, 20))
                .isNotEqualTo(first);
    }

    @Test
    void logitsThatAreNoNumbersAreRefused() {
        Sampler sampler = new Sampler(SamplingParameters.DEFAULT, 2, 1, 0);

        assertThatThrownBy(() -> sampler.next(new float[] {0, Float.NaN}))
                .isInstanceOf(ArithmeticException.class)
                .hasMessage("the logit of token 1 is not a number");
    }

    @Test
    void logprobsAreTheModelsOwnWithTheLikeliestFirst() {
        TokenLogprobs logprobs = TokenLogprobs.of(HALVES, 5, 3, 3);

        assertThat(logprobs.logprob()).isCloseTo(Math.log(0.0625), within(1e-6));
        assertThat(logprobs.alternatives())
                .extracting(TokenLogprobs.Alternative::token)
                .containsExactly(0, 1, 2);
        assertThat(logprobs.alternatives().get(1).logprob()).isCloseTo(Math.log(0.25), within(1e-6));
    }

    @Test
    void ofEqualAlternativesTheLowerIdsAreNamed() {
        assertThat(TokenLogprobs.of(new float[] {0, 1, 0, 1, 1, 0}, 6, 0, 2).alternatives())
                .extracting(TokenLogprobs.Alternative::token)
                .containsExactly(1, 3);
    }

    private static float[] logs(double... probabilities) {
        float[] logits = new float[probabilities.length];
        for (int i = 0; i < logits.length; i++) {
            logits[i] = (float) Math.log(probabilities[i]);
        }
        return logits;
    }

    private static int[] tokens(Sampler sampler, float[] logits, int count) {
        int[] tokens = new int[count];
        for (int i = 0; i < count; i++) {
            tokens[i] = sampler.next(logits);
        }
        return tokens;
    }

    private static double[] frequencies(SamplingParameters parameters, float[] logits, int draws) {
        Sampler sampler = new Sampler(parameters, logits.length, 1234, 0);
        double[] frequencies = new double[logits.length];
        for (int i = 0; i < draws; i++) {
            frequencies[sampler.next(logits)] += 1.0 / draws;
        }
        return frequencies;
    }

    /** Which tokens ever come: the least likely is missed by 2,000 draws once in 10⁵⁶. */
    private static BitSet support(SamplingParameters parameters, float[] logits) {
        Sampler sampler = new Sampler(parameters, logits.length, 99, 0);
        BitSet support = new BitSet();
        for (int i = 0; i < 2_000; i++) {
            support.set(sampler.next(logits));
        }
        return support;
    }
}

package io.bardstream.sample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bardstream.event.InvalidFieldException;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class SamplingParametersTest {
    @ParameterizedTest
    @MethodSource("impossibleValues")
    void anImpossibleValueNamesItsFieldAndWhatIsExpected(
            String field, String message, Supplier<SamplingParameters> impossible) {
        assertThatThrownBy(impossible::get)
                .isInstanceOfSatisfying(
                        InvalidFieldException.class, e -> assertThat(e.field()).isEqualTo(field))
                .hasMessage(message);
    }

    static Stream<Arguments> impossibleValues() {
        SamplingParameters base = SamplingParameters.DEFAULT;
        return Stream.of(
                impossible(
                        "temperature",
                        "temperature: -0.1; expected a number from 0 to 2",
                        () -> base.withTemperature(-0.1)),
                impossible(
                        "temperature",
                        "temperature: 2.01; expected a number from 0 to 2",
                        () -> base.withTemperature(2.01)),
                impossible(
                        "temperature",
                        "temperature: NaN; expected a number from 0 to 2",
                        () -> base.withTemperature(Double.NaN)),
                impossible("top_p", "top_p: 1.5; expected a number from 0 to 1", () -> base.withTopP(1.5)),
                impossible("top_k", "top_k: -2; expected 0 (all tokens) or more", () -> base.withTopK(-2)),
                impossible("min_p", "min_p: -1.0; expected a number from 0 to 1", () -> base.withMinP(-1)),
                impossible(
                        "presence_penalty",
                        "presence_penalty: 3.0; expected a number from -2 to 2",
                        () -> base.withPresencePenalty(3)),
                impossible(
                        "frequency_penalty",
                        "frequency_penalty: -3.0; expected a number from -2 to 2",
                        () -> base.withFrequencyPenalty(-3)),
                impossible(
                        "repetition_penalty",
                        "repetition_penalty: 0.0; expected more than 0 and at most 100 (1 is none)",
                        () -> base.withRepetitionPenalty(0)),
                impossible(
                        "logit_bias",
                        "logit_bias: 101.0; expected a number from -100 to 100",
                        () -> base.withLogitBias(Map.of(1, 101.0))),
                impossible(
                        "logit_bias",
                        "logit_bias: names token -1; expected an id of the vocabulary",
                        () -> base.withLogitBias(Map.of(-1, 1.0))));
    }

    private static Arguments impossible(String field, String message, Supplier<SamplingParameters> value) {
        return Arguments.of(field, message, value);
    }

    @Test
    void minusOneMeansNoTopK() {
        assertThat(SamplingParameters.DEFAULT.withTopK(-1)).isEqualTo(SamplingParameters.DEFAULT);
    }

    @Test
    void theMapHoldsWhatDiffersFromTheModelsOwnDistribution() {
        SamplingParameters parameters =
                SamplingParameters.DEFAULT.withTemperature(0.8).withTopK(40).withLogitBias(Map.of(7, -1.5));

        assertThat(parameters.asMap())
                .isEqualTo(Map.of("temperature", 0.8, "top_k", 40, "logit_bias", Map.of(7, -1.5)));
    }
}

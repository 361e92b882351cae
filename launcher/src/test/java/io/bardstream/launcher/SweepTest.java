package io.bardstream.launcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SweepTest {
    @Test
    void everyCombinationIsTrained() {
        assertThat(Sweep.parse(List.of("learning_rate=1e-3,3e-3", "batch_size=8,16"), Map.of()).combinations().stream()
                        .map(Sweep::title))
                .containsExactly(
                        "learning_rate=1e-3 batch_size=8",
                        "learning_rate=1e-3 batch_size=16",
                        "learning_rate=3e-3 batch_size=8",
                        "learning_rate=3e-3 batch_size=16");
        assertThat(Sweep.parse(List.of("optimizer=adamw,muon"), Map.of("steps", "50"))
                        .combinations())
                .hasSize(2);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "learning_rate            | is not of the form",
                "=1,2                     | is not of the form",
                "learning_rate=           | is not of the form",
                "learning_rate=1e-3,,3e-3 | is not of the form",
                "learning_rat=1e-3        | is not a hyperparameter",
                "learning_rate=fast       | is not a number",
                "learning_rate=1e-3,-1    | is not a positive number",
                "batch_size=8,2.5         | is not a whole number",
                "steps=10,20              | steps is given twice",
            })
    void whatCannotBeTrainedIsRefusedBeforeTheFirstRun(String argument, String reason) {
        assertThatThrownBy(() -> Sweep.parse(List.of(argument), Map.of("steps", "100")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(reason);
    }

    @Test
    void aSweepIsNotEndless() {
        assertThatThrownBy(() -> Sweep.parse(
                        List.of("steps=1,2,3", "batch_size=1,2,3", "gradient_accumulation=1,2,3,4"), Map.of()))
                .hasMessage("36 runs are more than 32");
        assertThatThrownBy(() -> Sweep.parse(List.of("steps=1,2", "steps=3"), Map.of()))
                .hasMessage("steps is given twice");
    }

    @Test
    void theTableHasTheBestFirstAndSaysWhatWentWrong() throws JsonProcessingException {
        // Given a run that went well, a better one that overfits, and one that failed before it was evaluated
        ObjectNode well = Sweep.row(
                Map.of("learning_rate", "1e-4"),
                OptionalDouble.of(2.5),
                Api.JSON.readTree("{\"id\": \"a\", \"status\": \"succeeded\", \"best_validation_loss\": 12.75,"
                        + " \"bits_per_byte\": 1.5, \"tokens_per_second\": 8412.4, \"verdict\": null}"));
        ObjectNode better = Sweep.row(
                Map.of("learning_rate", "3e-3"),
                OptionalDouble.of(1.5),
                Api.JSON.readTree("{\"id\": \"b\", \"status\": \"succeeded\", \"best_validation_loss\": 2.25,"
                        + " \"bits_per_byte\": 1.25, \"tokens_per_second\": 38000, \"checkpoint\": \"b-000100\","
                        + " \"verdict\": \"The run overfits since step 60: much more\"}"));
        ObjectNode failed = Sweep.row(
                Map.of("learning_rate", "10.0"),
                OptionalDouble.empty(),
                Api.JSON.readTree("{\"id\": \"c\", \"status\": \"failed\", \"error\": \"" + "x".repeat(200) + "\"}"));

        // When, Then
        assertThat(Sweep.table(Sweep.bestFirst(List.of(failed, well, better))))
                .containsExactly(
                        "Losses in nats a token, the best validation loss first:",
                        "learning_rate   loss  validation  bits/byte  tokens/s  status     run  remark",
                        "        0.003  1.500       2.250      1.250     38000  succeeded  b    The run overfits since"
                                + " step 60",
                        "       0.0001  2.500      12.750      1.500      8412  succeeded  a",
                        "           10      -           -          -         -  failed     c    " + "x".repeat(99)
                                + "…",
                        "Best: learning_rate=0.003, b-000100");
        assertThat(Sweep.table(Sweep.bestFirst(List.of(failed)))).hasSize(3).noneMatch(line -> line.startsWith("Best"));
    }
}

package io.bardstream.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HyperparametersTest {
    private final Hyperparameters defaults = EventJsonTest.hyperparameters();

    @Test
    void replacesWhatTheRequestGivesAndKeepsTheRest() {
        Hyperparameters changed = defaults.with(Map.of("learning_rate", 1, "steps", 7, "optimizer", "adamw"));

        assertThat(changed.learningRate()).isEqualTo(1.0);
        assertThat(changed.steps()).isEqualTo(7);
        assertThat(changed.optimizer()).isEqualTo("adamw");
        assertThat(changed.with(Map.of("learning_rate", 0.004, "steps", 100, "optimizer", "muon")))
                .isEqualTo(defaults);
    }

    @ParameterizedTest
    @CsvSource({
        "learning_rate, -1",
        "learning_rate, NaN",
        "beta1, 1",
        "dropout, 1.5",
        "steps, 0",
        "batch_size, 0",
        "weight_decay, -0.1",
        "threads, 0",
        "threads, 1025",
        "patience, -1"
    })
    void namesAnImpossibleValue(String name, double value) {
        Number number = value == Math.rint(value) ? (Number) (int) value : (Number) value;

        assertThatThrownBy(() -> defaults.with(Map.of(name, number)))
                .isInstanceOfSatisfying(
                        InvalidFieldException.class, e -> assertThat(e.field()).isEqualTo(name));
    }

    @Test
    void namesAnUnknownHyperparameterAndListsTheKnown() {
        assertThatThrownBy(() -> defaults.with(Map.of("learning_rat", 1)))
                .hasMessageStartingWith("learning_rat: is not a hyperparameter")
                .hasMessageContaining("learning_rate");
    }

    @Test
    void refusesTextForANumberAndFractionsForAWholeNumber() {
        assertThatThrownBy(() -> defaults.with(Map.of("steps", 1.5))).hasMessage("steps: 1.5 is not a whole number");
        assertThatThrownBy(() -> defaults.with(Map.of("steps", "10")))
                .hasMessage("steps: \"10\" is not a whole number");
        assertThatThrownBy(() -> defaults.with(Map.of("dtype", "float16"))).hasMessageStartingWith("dtype: 'float16'");
    }

    @Test
    void whatOnlyAStageHasIsGivenBesideTheRestAndRefusedElsewhere() {
        Hyperparameters ppo = defaults.with(PpoSettings.DEFAULTS);

        Hyperparameters changed = ppo.with(Map.of("kl_target", 3, "ppo_epochs", 2, "steps", 7));

        assertThat(changed.ppo().klTarget()).isEqualTo(3);
        assertThat(changed.ppo().ppoEpochs()).isEqualTo(2);
        assertThat(changed.ppo().lambda()).isEqualTo(PpoSettings.DEFAULTS.lambda());
        assertThat(changed.steps()).isEqualTo(7);
        assertThat(EventJson.read(EventJson.write(changed), Hyperparameters.class))
                .isEqualTo(changed);
        String old =
                new String(EventJson.write(changed), StandardCharsets.UTF_8).replace(",\"num_layers_unfrozen\":-1", "");
        assertThat(old).doesNotContain("unfrozen");
        assertThat(EventJson.read(old.getBytes(StandardCharsets.UTF_8), Hyperparameters.class))
                .isEqualTo(changed);
        for (Map<String, ?> impossible : List.of(
                Map.of("num_layers_unfrozen", 0),
                Map.of("lambda", 1.5),
                Map.of("clip_range", 0),
                Map.of("minibatch", 5),
                Map.of("temperature", 0))) {
            assertThatThrownBy(() -> ppo.with(impossible))
                    .hasMessageStartingWith(impossible.keySet().iterator().next() + ": ");
        }
        assertThatThrownBy(() -> ppo.with(Map.of("ppo", 1))).hasMessageStartingWith("ppo: is not a hyperparameter");
        assertThatThrownBy(() -> defaults.with(Map.of("kl_target", 3)))
                .hasMessageStartingWith("kl_target: is not a hyperparameter of this stage");
        assertThat(defaults.with(DpoSettings.DEFAULTS)
                        .with(Map.of("kl_coefficient", 0.3))
                        .dpo()
                        .klCoefficient())
                .isEqualTo(0.3);
    }
}

package io.bardstream.trainer;

import static org.assertj.core.api.Assertions.assertThat;

import io.bardstream.event.PpoSettings;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PpoGuardsTest {
    private static final Map<String, Double> SOUND = Map.of(
            "objective/kl", 3.0,
            "ppo/policy/skipped", 0.1,
            "ppo/policy/entropy", 2.0,
            "first/ppo/policy/entropy", 4.0,
            "tokens/responses_len_mean", 20.0,
            "first/tokens/responses_len_mean", 30.0,
            "tokens/distinct_2", 0.6,
            "first/tokens/distinct_2", 0.7);

    private final PpoGuards guards = new PpoGuards(PpoSettings.DEFAULTS); // the ceiling is 24 nats

    @Test
    void letASoundUpdatePass() {
        assertThat(guards.looked(SOUND)).isEmpty();
        assertThat(guards.learned(SOUND)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "objective/kl, 24.1, above kl_ceiling",
        "objective/kl, -1.1, is not negative",
        "objective/scores, NaN, objective/scores is NaN",
        "ppo/loss/value, Infinity, ppo/loss/value is Infinity",
        "ppo/policy/skipped, 0.6, 60 % of the minibatches",
        "ppo/policy/entropy, 0.39, has collapsed from 4.000 to 0.390",
        "tokens/responses_len_mean, 5.9, has collapsed from 30.000 to 5.900",
        "tokens/distinct_2, 0.34, has collapsed from 0.700 to 0.340"
    })
    void sayWhatIsWrong(String name, double value, String words) {
        Map<String, Double> measured = new HashMap<>(SOUND);
        measured.put(name, value);

        assertThat(guards.looked(measured).or(() -> guards.learned(measured)))
                .get()
                .asString()
                .contains(words);
    }
}

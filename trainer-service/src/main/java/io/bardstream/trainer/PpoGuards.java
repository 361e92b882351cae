package io.bardstream.trainer;

import io.bardstream.event.PpoSettings;
import java.util.Map;
import java.util.Optional;

/**
 * When an update has gone wrong: what is measured has left the bounds within which PPO is known to learn anything but to cheat
 * its judge. A run that trips over one stops, and says over which.
 *
 * <p>Entropy, length and distinct-2 are bounded by what they were at the run's first update, which therefore is measured, and
 * kept, too.
 */
final class PpoGuards {
    /** Below −1 nat the measured KL is no noise: samples and log-probabilities are not of one distribution. */
    private static final double LEAST_KL = -1;

    private static final double LEAST_ENTROPY = 0.1; // of the first
    private static final double LEAST_LENGTH = 0.2; // of the first
    private static final double LEAST_DISTINCT = 0.5; // of the first
    private static final double MOST_SKIPPED = 0.5; // of an update's minibatches

    static final String KL = "objective/kl";
    static final String ENTROPY = "ppo/policy/entropy";
    static final String LENGTH = "tokens/responses_len_mean";
    static final String DISTINCT = "tokens/distinct_2";
    static final String SKIPPED = "ppo/policy/skipped";
    static final String FIRST = "first/";

    private final double klCeiling;

    PpoGuards(PpoSettings settings) {
        this.klCeiling = settings.klCeiling();
    }

    /** What is wrong with a policy, by what was measured of it and of its run's first one; nothing while it is sound. */
    Optional<String> looked(Map<String, Double> measured) {
        double kl = measured.get(KL);
        if (kl > klCeiling) {
            return Optional.of(
                    "%s is %.2f nats a response, above kl_ceiling %s; raise kl_coefficient or lower learning_rate"
                            .formatted(KL, kl, klCeiling));
        }
        if (kl < LEAST_KL) {
            return Optional.of("%s is %.2f nats a response, and a divergence is not negative; lower learning_rate"
                    .formatted(KL, kl));
        }
        return notFinite(measured)
                .or(() -> collapse(measured, ENTROPY, LEAST_ENTROPY))
                .or(() -> collapse(measured, LENGTH, LEAST_LENGTH))
                .or(() -> collapse(measured, DISTINCT, LEAST_DISTINCT));
    }

    /** What is wrong with what was learned; nothing while it is sound. */
    Optional<String> learned(Map<String, Double> measured) {
        double skipped = measured.get(SKIPPED);
        return notFinite(measured)
                .or(() -> skipped > MOST_SKIPPED
                        ? Optional.of(
                                "%.0f %% of the minibatches had a mean ratio far from 1; lower learning_rate or ppo_epochs"
                                        .formatted(100 * skipped))
                        : Optional.empty());
    }

    private static Optional<String> notFinite(Map<String, Double> measured) {
        return measured.entrySet().stream()
                .filter(each -> !Double.isFinite(each.getValue()))
                .findFirst()
                .map(each -> each.getKey() + " is " + each.getValue()
                        + "; lower learning_rate and critic_learning_rate, or raise kl_coefficient");
    }

    private static Optional<String> collapse(Map<String, Double> measured, String name, double least) {
        double first = measured.get(FIRST + name);
        double now = measured.get(name);
        return now < least * first
                ? Optional.of("%s has collapsed from %.3f to %.3f; raise kl_coefficient or lower learning_rate"
                        .formatted(name, first, now))
                : Optional.empty();
    }
}

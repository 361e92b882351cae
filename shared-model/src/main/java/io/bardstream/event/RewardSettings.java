package io.bardstream.event;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Arrays;
import java.util.Locale;

/**
 * What the training of a reward model has beside others.
 *
 * @param trunk whether the policy below the head stays as it is
 */
public record RewardSettings(Trunk trunk) {
    public RewardSettings {
        Fields.required(trunk, "trunk");
    }

    /** The policy's layers below the head. */
    public enum Trunk {
        /** The head alone is fitted. */
        FROZEN,
        /** All weights are tuned. */
        TUNED;

        @JsonValue
        public String label() {
            return name().toLowerCase(Locale.ROOT);
        }

        @JsonCreator
        public static Trunk of(String label) {
            return Arrays.stream(values())
                    .filter(trunk -> trunk.label().equals(label))
                    .findFirst()
                    .orElseThrow(
                            () -> new InvalidFieldException("trunk", "'" + label + "' is neither frozen nor tuned"));
        }
    }
}

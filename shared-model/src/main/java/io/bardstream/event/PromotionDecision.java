package io.bardstream.event;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.time.Instant;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;

/**
 * What was decided of a candidate, a checkpoint that would take the place of the one that serves.
 *
 * @param promoted the one that serves
 * @param reason one sentence for people
 * @param evidence the numbers the decision was made on
 */
public record PromotionDecision(
        String candidate, String promoted, Outcome outcome, String reason, Map<String, Object> evidence, Instant at) {

    public PromotionDecision {
        Fields.id(candidate, "candidate");
        Fields.id(promoted, "promoted");
        Fields.required(outcome, "outcome");
        Fields.text(reason, "reason");
        evidence = Fields.copy(evidence);
        Fields.required(at, "at");
    }

    /** What becomes of the candidate. */
    public enum Outcome {
        PROMOTE,
        /** More votes, or more time, will tell. */
        WAIT,
        REJECT;

        @JsonValue
        public String label() {
            return name().toLowerCase(Locale.ROOT);
        }

        @JsonCreator
        public static Outcome of(String label) {
            return Arrays.stream(values())
                    .filter(outcome -> outcome.label().equals(label))
                    .findFirst()
                    .orElseThrow(() -> new InvalidFieldException(
                            "outcome", "'" + label + "' is none of promote, wait and reject"));
        }
    }
}

package io.bardstream.event;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import io.bardstream.event.GenerationRequest.Format;
import java.time.Instant;
import java.util.Arrays;
import java.util.Locale;

/**
 * One person's judgement of two texts. A changed vote is a new fact with an id of its own.
 *
 * @param id of the vote
 * @param supersedes id of the vote that this one replaces, or null
 * @param format how models were given the prompt, or null where that is not known
 * @param a the text shown as A to this annotator
 * @param b the text shown as B
 */
public record Preference(
        String id,
        String comparison,
        String annotator,
        Choice choice,
        String supersedes,
        String prompt,
        Format format,
        String a,
        String b,
        String generationA,
        String generationB,
        String checkpointA,
        String checkpointB,
        String comment,
        Instant at) {

    public Preference {
        Fields.id(id, "id");
        Fields.id(comparison, "comparison");
        Fields.text(annotator, "annotator");
        Fields.required(choice, "choice");
        Fields.optionalId(supersedes, "supersedes");
        Fields.required(prompt, "prompt");
        Fields.required(a, "a");
        Fields.required(b, "b");
        Fields.optionalId(generationA, "generation_a");
        Fields.optionalId(generationB, "generation_b");
        Fields.optionalId(checkpointA, "checkpoint_a");
        Fields.optionalId(checkpointB, "checkpoint_b");
        Fields.required(at, "at");
    }

    /** What was chosen. */
    public enum Choice {
        A,
        B,
        TIE,
        BOTH_BAD,
        SKIP,
        FLAG;

        @JsonValue
        public String label() {
            return name().toLowerCase(Locale.ROOT);
        }

        @JsonCreator
        public static Choice of(String label) {
            return Arrays.stream(values())
                    .filter(choice -> choice.label().equals(label))
                    .findFirst()
                    .orElseThrow(() -> new InvalidFieldException(
                            "choice", "'" + label + "' is none of a, b, tie, both_bad, skip and flag"));
        }
    }
}

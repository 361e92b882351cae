package io.bardstream.event;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Asks inference for completions of one prompt, one for each candidate. */
public record GenerationRequest(String id, String prompt, Format format, List<Candidate> candidates, Instant at) {

    public GenerationRequest {
        Fields.id(id, "id");
        Fields.required(prompt, "prompt");
        Fields.required(format, "format");
        candidates = Fields.copy(candidates);
        Fields.require(!candidates.isEmpty(), "candidates", "is empty");
        Fields.required(at, "at");
    }

    /** The id of what a candidate writes: the same each time the request is answered. */
    public String generationId(int candidate) {
        return Ids.of("generation", id, candidate);
    }

    /** Whether the prompt goes to the model as it is, or as the user's turn of a conversation. */
    public enum Format {
        RAW,
        CHAT;

        @JsonValue
        public String label() {
            return name().toLowerCase(Locale.ROOT);
        }

        @JsonCreator
        public static Format of(String label) {
            return Arrays.stream(values())
                    .filter(format -> format.label().equals(label))
                    .findFirst()
                    .orElseThrow(() -> new InvalidFieldException("format", "'" + label + "' is neither raw nor chat"));
        }
    }

    /**
     * @param checkpoint that shall write
     * @param sampling OpenAI's parameter names to values
     */
    public record Candidate(String checkpoint, Map<String, Object> sampling, long seed) {
        public Candidate {
            Fields.id(checkpoint, "checkpoint");
            sampling = Fields.copy(sampling);
        }
    }
}

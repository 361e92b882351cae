package io.bardstream.event;

import java.time.Instant;
import java.util.Map;

/**
 * From now on this checkpoint is the one that serves.
 *
 * @param previous checkpoint that served before, or null for the first
 * @param reason one sentence for people
 * @param evidence the numbers the decision was made on
 */
public record Promotion(
        String model, String checkpoint, String previous, String reason, Map<String, Object> evidence, Instant at) {

    public Promotion {
        Fields.id(model, "model");
        Fields.id(checkpoint, "checkpoint");
        Fields.optionalId(previous, "previous");
        Fields.text(reason, "reason");
        evidence = Fields.copy(evidence);
        Fields.required(at, "at");
    }
}

package io.bardstream.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * {@code metrics.json}: what was measured of the weights, by name, in alphabetical order. It belongs to the checkpoint's
 * sha256, so only what a replay measures again may stand here: losses and counts, never a duration, a rate or a date.
 */
public record CheckpointMetrics(SortedMap<String, Double> values) {

    public CheckpointMetrics {
        values.forEach((name, value) -> {
            if (!Double.isFinite(value)) {
                throw new IllegalArgumentException(
                        "metric '%s' is %s, expected is a finite number".formatted(name, value));
            }
        });
        values = Collections.unmodifiableSortedMap(new TreeMap<>(values));
    }

    public CheckpointMetrics(Map<String, Double> values) {
        this(new TreeMap<>(values));
    }

    /** Writes {@code metrics.json} into a folder. */
    public void write(Path folder) throws IOException {
        Files.writeString(folder.resolve(HuggingFaceFormat.METRICS), FolderJson.text(values));
    }

    /**
     * Reads a folder's {@code metrics.json}.
     *
     * @throws CorruptCheckpointException where it is not an object of numbers
     */
    public static CheckpointMetrics read(Path folder) throws IOException {
        Path file = folder.resolve(HuggingFaceFormat.METRICS);
        SortedMap<String, Double> values = new TreeMap<>();
        try {
            if (!(FolderJson.parse(Files.readString(file)) instanceof ObjectNode json)) {
                throw new CorruptCheckpointException(file + " is not a JSON object of numbers");
            }
            for (Map.Entry<String, JsonNode> entry : json.properties()) {
                if (!entry.getValue().isNumber()) {
                    throw new CorruptCheckpointException(
                            "%s has %s %s, expected is a number".formatted(file, entry.getKey(), entry.getValue()));
                }
                values.put(entry.getKey(), entry.getValue().doubleValue());
            }
        } catch (JsonProcessingException e) {
            throw new CorruptCheckpointException(file + " is not JSON: " + e.getOriginalMessage());
        }
        return new CheckpointMetrics(values);
    }
}

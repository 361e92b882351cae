package io.bardstream.launcher;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;

/** A replay beside its original, a line for each thing: what was asked differently, what computed it, what came out. */
final class ComparisonTable {
    private static final String NONE = "–";
    private static final int SHA256_SHOWN = 16;

    private final List<List<String>> rows = new ArrayList<>();

    private ComparisonTable(JsonNode comparison) {
        rows.add(List.of("", "original", "replay"));
        add("run", comparison, trained -> trained.path("run").asText());
        add("status", comparison, trained -> trained.path("status").asText());
        for (String part : List.of("settings", "computing")) {
            for (JsonNode difference : comparison.path(part)) {
                rows.add(List.of(
                        difference.path("name").asText(),
                        difference.path("original").asText(),
                        difference.path("replay").asText()));
            }
        }
        add("steps", comparison, trained -> number(trained.path("step"), "%,.0f"));
        add("tokens", comparison, trained -> number(trained.path("tokens"), "%,.0f"));
        add("best validation loss", comparison, trained -> number(trained.path("best_validation_loss"), "%.4f"));
        add("bits per byte", comparison, trained -> number(trained.path("bits_per_byte"), "%.4f"));
        add("seconds", comparison, trained -> number(trained.path("seconds"), "%,.1f"));
        for (JsonNode pair : comparison.path("checkpoints")) {
            String equal = pair.path("equal").asBoolean() ? "  equal" : "  differs";
            rows.add(List.of(
                    pair.path("which").asText() + " checkpoint",
                    weights(pair.path("original")),
                    weights(pair.path("replay")) + equal));
        }
    }

    /** The lines, their columns aligned. */
    static List<String> lines(JsonNode comparison) {
        return Table.aligned(new ComparisonTable(comparison).rows);
    }

    private void add(String name, JsonNode comparison, Function<JsonNode, String> value) {
        rows.add(List.of(name, value.apply(comparison.path("original")), value.apply(comparison.path("replay"))));
    }

    private static String number(JsonNode value, String format) {
        return value.isNumber() ? String.format(Locale.ROOT, format, value.asDouble()) : NONE;
    }

    private static String weights(JsonNode weights) {
        return weights.isObject()
                ? "step " + weights.path("step").asLong() + " "
                        + weights.path("sha256").asText().substring(0, SHA256_SHOWN)
                : NONE;
    }
}

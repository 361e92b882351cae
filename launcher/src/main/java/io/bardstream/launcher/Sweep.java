package io.bardstream.launcher;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.bardstream.event.Hyperparameters;
import io.bardstream.event.InvalidFieldException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.stream.Collectors;

/**
 * The same training with each combination of some hyperparameters' values, side by side. All have the same seed, so what differs
 * between two rows is what their values did.
 */
final class Sweep {
    private static final int MOST_RUNS = 32;
    private static final int WIDEST_REMARK = 100;
    private static final List<String> MEASURES = List.of("loss", "validation", "bits/byte", "tokens/s");
    private static final String VALIDATION = "best_validation_loss";

    private final Map<String, List<String>> swept;

    private Sweep(Map<String, List<String>> swept) {
        this.swept = swept;
    }

    /**
     * Reads {@code learning_rate=1e-3,3e-3}, one for each hyperparameter.
     *
     * @param settings what is the same in all runs
     * @throws IllegalArgumentException if one cannot be meant so; nothing is left to be refused after an hour of training
     */
    static Sweep parse(List<String> arguments, Map<String, String> settings) {
        Map<String, List<String>> swept = new LinkedHashMap<>();
        for (String argument : arguments) {
            int equals = argument.indexOf('=');
            String name = argument.substring(0, Math.max(0, equals));
            List<String> values = List.of(argument.substring(equals + 1).split(",", -1));
            if (name.isEmpty() || values.contains("")) {
                throw new IllegalArgumentException("'" + argument + "' is not of the form KEY=VALUE,VALUE…");
            }
            if (settings.containsKey(name) || swept.put(name, values) != null) {
                throw new IllegalArgumentException(name + " is given twice");
            }
        }
        long runs = swept.values().stream().mapToLong(List::size).reduce(1, Math::multiplyExact);
        if (runs > MOST_RUNS) {
            throw new IllegalArgumentException(runs + " runs are more than " + MOST_RUNS);
        }
        Sweep sweep = new Sweep(swept);
        sweep.combinations().forEach(each -> check(each, settings));
        return sweep;
    }

    private static void check(Map<String, String> combination, Map<String, String> settings) {
        Map<String, Object> values = new LinkedHashMap<>();
        settings.forEach((name, value) -> values.put(name, Train.value(value)));
        combination.forEach((name, value) -> values.put(name, Train.value(value)));
        try {
            Hyperparameters.DEFAULTS.with(values);
        } catch (InvalidFieldException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        }
    }

    /** Every combination of the values; those of the last hyperparameter change fastest. */
    List<Map<String, String>> combinations() {
        List<Map<String, String>> combinations = List.of(Map.of());
        for (Map.Entry<String, List<String>> each : swept.entrySet()) {
            List<Map<String, String>> longer = new ArrayList<>();
            for (Map<String, String> combination : combinations) {
                for (String value : each.getValue()) {
                    Map<String, String> with = new LinkedHashMap<>(combination);
                    with.put(each.getKey(), value);
                    longer.add(with);
                }
            }
            combinations = longer;
        }
        return combinations;
    }

    /** {@code learning_rate=1e-3 batch_size=8}. */
    static String title(Map<String, String> combination) {
        return combination.entrySet().stream()
                .map(each -> each.getKey() + "=" + each.getValue())
                .collect(Collectors.joining(" "));
    }

    /**
     * A run's row.
     *
     * @param loss of the training text, at the newest measurement
     * @param run as {@code /v1/runs} shows it
     */
    static ObjectNode row(Map<String, String> combination, OptionalDouble loss, JsonNode run) {
        ObjectNode row = Api.object();
        ObjectNode values = row.putObject("hyperparameters");
        combination.forEach((name, value) -> values.set(name, Train.value(value)));
        row.put("loss", loss.isPresent() ? loss.getAsDouble() : null);
        for (String field : List.of(
                VALIDATION, "bits_per_byte", "tokens_per_second", "status", "id", "checkpoint", "verdict", "error")) {
            row.set(field, run.path(field).isMissingNode() ? row.nullNode() : run.path(field));
        }
        return row;
    }

    /** Rows by validation loss; those that were never evaluated last. */
    static ArrayNode bestFirst(Collection<ObjectNode> rows) {
        ArrayNode sorted = Api.JSON.createArrayNode();
        rows.stream()
                .sorted(Comparator.comparingDouble(row -> row.path(VALIDATION).asDouble(Double.POSITIVE_INFINITY)))
                .forEach(sorted::add);
        return sorted;
    }

    /**
     * The rows for people: what they are measured in, columns as wide as what is in them, what is wrong with a run last and cut
     * short, and below them which combination was best.
     */
    static List<String> table(ArrayNode rows) {
        List<List<String>> lines = new ArrayList<>();
        List<String> head = new ArrayList<>();
        rows.path(0).path("hyperparameters").fieldNames().forEachRemaining(head::add);
        int numbers = head.size() + MEASURES.size();
        head.addAll(MEASURES);
        head.addAll(List.of("status", "run", "remark"));
        lines.add(head);
        for (JsonNode row : rows) {
            List<String> line = new ArrayList<>();
            row.path("hyperparameters").forEach(value -> line.add(text(value)));
            line.add(number(row.path("loss"), 3));
            line.add(number(row.path(VALIDATION), 3));
            line.add(number(row.path("bits_per_byte"), 3));
            line.add(number(row.path("tokens_per_second"), 0));
            line.add(row.path("status").asText());
            line.add(row.path("id").asText("-"));
            line.add(remark(row));
            lines.add(line);
        }
        List<String> table = new ArrayList<>(List.of("Losses in nats a token, the best validation loss first:"));
        table.addAll(Table.aligned(lines, column -> column < numbers));
        if (rows.path(0).path(VALIDATION).isNumber()) {
            table.add("Best: " + best(rows.path(0)));
        }
        return table;
    }

    private static String best(JsonNode row) {
        Map<String, String> values = new LinkedHashMap<>();
        row.path("hyperparameters").properties().forEach(each -> values.put(each.getKey(), text(each.getValue())));
        return title(values)
                + (row.path("checkpoint").isTextual()
                        ? ", " + row.path("checkpoint").asText()
                        : "");
    }

    /** 0.0001 rather than 1.0E-4. */
    private static String text(JsonNode value) {
        return value.isNumber() ? value.decimalValue().stripTrailingZeros().toPlainString() : value.asText();
    }

    private static String remark(JsonNode row) {
        if (row.path("error").isTextual()) {
            String error = row.path("error").asText();
            return error.length() <= WIDEST_REMARK ? error : error.substring(0, WIDEST_REMARK - 1) + "…";
        }
        return row.path("verdict").isTextual() ? row.path("verdict").asText().split(":", 2)[0] : "";
    }

    private static String number(JsonNode value, int decimals) {
        return value.isNumber() ? String.format(Locale.ROOT, "%." + decimals + "f", value.asDouble()) : "-";
    }
}

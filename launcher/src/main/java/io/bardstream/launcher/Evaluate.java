package io.bardstream.launcher;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Measures checkpoints on held-out data and shows them side by side. */
@Command(
        name = "evaluate",
        description = "Measures how well checkpoints predict held-out text, and answer held-out instructions.",
        mixinStandardHelpOptions = true)
final class Evaluate implements Callable<Integer> {
    private static final List<String> OF_ANSWERS = List.of(
            "answers",
            "exact_match",
            "fuzzy_match",
            "ended",
            "distinct_1",
            "distinct_2",
            "repetition",
            "verbatim_overlap");

    @Mixin
    private Where where;

    @Parameters(arity = "1..*", paramLabel = "CHECKPOINT", description = "Ids of checkpoints.")
    private List<String> checkpoints;

    @Option(
            names = "--dataset",
            paramLabel = "D",
            description = "Id of a dataset; for each checkpoint the one it was trained on by default.")
    private String dataset;

    @Option(names = "--split", description = "validation, or test where the dataset has one (${DEFAULT-VALUE}).")
    private String split = "validation";

    @Option(
            names = "--answers",
            description = "How many instructions are answered to judge the answers (${DEFAULT-VALUE}).")
    private int answers = 100;

    @Option(names = "--json", description = "As one JSON object, checkpoint by checkpoint.")
    private boolean json;

    private final Console console = Console.standard();

    @Override
    public Integer call() {
        Api trainer = where.api(Service.TRAINER);
        Map<String, JsonNode> measured = new LinkedHashMap<>();
        for (String checkpoint : new LinkedHashSet<>(checkpoints)) {
            measured.put(checkpoint, measure(trainer, checkpoint));
        }
        if (json) {
            ObjectNode all = Api.object();
            measured.forEach(all::set);
            console.line(all.toPrettyString());
        } else {
            table(measured).forEach(console::line);
        }
        return 0;
    }

    private JsonNode measure(Api trainer, String checkpoint) {
        String on = dataset == null
                ? trainer.get("/v1/checkpoints/" + checkpoint).path("dataset").asText("")
                : dataset;
        if (on.isEmpty() || on.equals("null")) {
            throw new CommandFailure(
                    checkpoint + " was brought from elsewhere, so it has no dataset of its own; say --dataset D.");
        }
        ObjectNode request = Api.object().put("dataset", on).put("split", split).put("answers", answers);
        ObjectNode result = (ObjectNode) trainer.post("/v1/checkpoints/" + checkpoint + "/evaluate", request);
        return result.put("dataset", on);
    }

    /** A line a measurement, a column a checkpoint. */
    static List<String> table(Map<String, JsonNode> measured) {
        Map<String, String> rows = new LinkedHashMap<>();
        rows.put("/loss", "loss (nats a token)");
        rows.put("/perplexity", "perplexity");
        rows.put("/bits_per_byte", "bits a byte");
        rows.put("/tokens", "tokens");
        OF_ANSWERS.forEach(name -> rows.put("/answers/" + name, name.replace('_', ' ')));
        measured.values().stream()
                .flatMap(each -> each.path("labels").properties().stream())
                .map(Map.Entry::getKey)
                .sorted()
                .forEach(name -> rows.put("/labels/" + name.replace("~", "~0").replace("/", "~1"), name));
        List<List<String>> lines = new ArrayList<>();
        lines.add(line("", measured.keySet()));
        lines.add(line(
                "dataset",
                measured.values().stream()
                        .map(each -> each.path("dataset").asText())
                        .toList()));
        rows.forEach((at, title) -> {
            List<String> cells =
                    measured.values().stream().map(each -> number(each.at(at))).toList();
            if (cells.stream().anyMatch(cell -> !cell.isEmpty())) {
                lines.add(line(title, cells));
            }
        });
        return Table.aligned(lines);
    }

    private static List<String> line(String title, Iterable<String> cells) {
        List<String> line = new ArrayList<>(List.of(title));
        cells.forEach(line::add);
        return line;
    }

    private static String number(JsonNode value) {
        if (!value.isNumber()) {
            return "";
        }
        double number = value.asDouble();
        return number == Math.rint(number) && Math.abs(number) > 1
                ? String.format(Locale.ROOT, "%,d", Math.round(number))
                : String.format(Locale.ROOT, "%.4f", number);
    }
}

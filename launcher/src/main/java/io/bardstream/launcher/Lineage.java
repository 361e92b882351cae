package io.bardstream.launcher;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * Walks back from a generation to the weights that wrote it, and from weights to their run, their ancestors, the records they
 * were trained on and the text those came from.
 */
@Command(
        name = "lineage",
        description = "Shows what a text or a checkpoint was made of, down to Kafka's offsets and the corpus.",
        mixinStandardHelpOptions = true)
final class Lineage implements Callable<Integer> {
    private static final Pattern ID = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._:-]*");

    @Spec
    private CommandSpec spec;

    @Mixin
    private Where where;

    @Parameters(
            paramLabel = "GENERATION|CHECKPOINT",
            description = "The id of an answer of the API (cmpl-…), or of a checkpoint.")
    private String id;

    @Option(names = "--json", description = "As one JSON object.")
    private boolean json;

    private final Console console = Console.standard();

    @Override
    public Integer call() {
        if (!ID.matcher(id).matches()) {
            throw new ParameterException(spec.commandLine(), "'" + id + "' is not an id");
        }
        ObjectNode answer = of(id, where.ports());
        console.line(json ? answer.toPrettyString() : text(answer));
        return 0;
    }

    /**
     * What a generation or a checkpoint was made of.
     *
     * @throws CommandFailure if there is neither of that id
     */
    static ObjectNode of(String id, Ports ports) {
        Api trainer = new Api(ports.uri(Service.TRAINER));
        ObjectNode answer = Api.object();
        String checkpoint = id;
        if (!isCheckpoint(trainer, id)) {
            JsonNode generation = generation(new Api(ports.uri(Service.FEEDBACK)), id);
            answer.set("generation", generation);
            checkpoint = generation.path("checkpoint").asText();
        }
        JsonNode lineage = trainer.get("/v1/checkpoints/" + checkpoint + "/lineage");
        answer.set("checkpoint", lineage);
        answer.set(
                "corpora", corpora(new Api(ports.uri(Service.TOKENIZER)), lineage.findValuesAsText("corpus_sha256")));
        return answer;
    }

    private static boolean isCheckpoint(Api trainer, String id) {
        try {
            trainer.get("/v1/checkpoints/" + id);
            return true;
        } catch (Api.Refusal refusal) {
            if (refusal.status() != 404) {
                throw refusal;
            }
            return false;
        }
    }

    private static JsonNode generation(Api feedback, String id) {
        try {
            return feedback.get("/v1/generations/" + id);
        } catch (Api.Refusal refusal) {
            if (refusal.status() != 404) {
                throw refusal;
            }
            throw new CommandFailure(
                    "There is neither a checkpoint nor a generation '" + id
                            + "'. GET /v1/checkpoints of the trainer lists checkpoints; an answer's id stands in the answer.",
                    refusal);
        }
    }

    /** The corpora of these sums that are still known, with their names. */
    private static ArrayNode corpora(Api tokenizer, List<String> sums) {
        ArrayNode known = Api.JSON.createArrayNode();
        Api.items(tokenizer.get("/v1/corpora")).stream()
                .filter(corpus -> sums.contains(corpus.path("sha256").asText()))
                .forEach(known::add);
        return known;
    }

    /** The same for people: one thing a line, each with its sha256. */
    static String text(JsonNode answer) {
        List<String> lines = new ArrayList<>();
        JsonNode generation = answer.path("generation");
        if (!generation.isMissingNode()) {
            lines.add("generation " + generation.path("id").asText());
            add(lines, "at", generation.path("at").asText());
            add(lines, "prompt", generation.path("prompt").toString());
            add(lines, "text", generation.path("text").toString());
            add(lines, "sampling", generation.path("sampling") + ", seed " + generation.path("seed"));
        }
        describe(answer.path("checkpoint"), answer.path("corpora"), lines, new HashSet<>());
        return String.join(System.lineSeparator(), lines);
    }

    private static void describe(JsonNode ancestor, JsonNode corpora, List<String> lines, Set<String> described) {
        String relation = ancestor.path("relation").asText();
        lines.add((relation.equals("self") ? "checkpoint " : relation + " ")
                + ancestor.path("id").asText());
        if (!described.add(ancestor.path("id").asText())) {
            add(lines, "see", "above");
            return;
        }
        JsonNode checkpoint = ancestor.path("checkpoint");
        if (checkpoint.isMissingNode()) {
            add(lines, "unknown", "nothing is known of it here");
            return;
        }
        add(lines, "stage", checkpoint.path("stage").asText() + ", step " + checkpoint.path("step"));
        if (!checkpoint.path("metrics").isEmpty()) {
            add(lines, "measured", checkpoint.path("metrics").toString());
        }
        add(lines, "sha256", checkpoint.path("sha256").asText());
        add(
                lines,
                "folder",
                checkpoint.path("path").asText() + (ancestor.path("on_disk").asBoolean() ? "" : " (pruned)"));
        describeRun(ancestor, lines);
        describeDataset(ancestor, corpora, lines);
        ancestor.path("from").forEach(next -> describe(next, corpora, lines, described));
    }

    private static void describeRun(JsonNode ancestor, List<String> lines) {
        JsonNode imported = ancestor.path("imported");
        if (!imported.isMissingNode()) {
            add(lines, "imported", "as " + imported.path("name").asText());
            for (Map.Entry<String, JsonNode> file : imported.path("files").properties()) {
                add(lines, "", file.getKey() + ", sha256 " + file.getValue().asText());
            }
        }
        JsonNode request = ancestor.path("request");
        if (!request.isMissingNode()) {
            add(
                    lines,
                    "run",
                    "%s%s, asked for by %s, preset %s, seed %s"
                            .formatted(
                                    request.path("run_id").asText(),
                                    replay(request),
                                    request.path("requested_by").asText(),
                                    request.path("preset").asText(),
                                    request.path("seed")));
            add(lines, "settings", request.path("hyperparameters").toString());
        }
        JsonNode engine = ancestor.path("engine");
        if (!engine.isMissingNode()) {
            add(
                    lines,
                    "engine",
                    "%s, %s threads, %s, %s, Bardstream %s"
                            .formatted(
                                    engine.path("dtype").asText(),
                                    engine.path("threads"),
                                    engine.path("device").asText(),
                                    engine.path("library").asText(),
                                    ancestor.path("code_version").asText()));
        }
    }

    private static String replay(JsonNode request) {
        JsonNode original = request.path("replay_of");
        return original.isTextual() ? ", a replay of " + original.asText() : "";
    }

    private static void describeDataset(JsonNode ancestor, JsonNode corpora, List<String> lines) {
        JsonNode tokenizer = ancestor.path("tokenizer");
        if (tokenizer.isMissingNode()) {
            add(
                    lines,
                    "tokenizer",
                    "sha256 " + ancestor.at("/checkpoint/tokenizer_sha256").asText());
        } else {
            add(
                    lines,
                    "tokenizer",
                    "%s (%s), %,d ids, sha256 %s"
                            .formatted(
                                    tokenizer.path("name").asText(),
                                    tokenizer.path("id").asText(),
                                    tokenizer.path("vocabulary_size").asInt(),
                                    tokenizer.path("sha256").asText()));
        }
        JsonNode dataset = ancestor.path("dataset");
        if (dataset.isMissingNode()) {
            return;
        }
        add(lines, "dataset", dataset.path("id").asText());
        for (JsonNode split : dataset.path("splits")) {
            add(
                    lines,
                    "",
                    String.format(
                            Locale.ROOT,
                            "%s: %,d tokens, sha256 %s",
                            split.path("name").asText(),
                            split.path("tokens").asLong(),
                            split.path("sha256").asText()));
            for (JsonNode range : split.path("ranges")) {
                add(
                        lines,
                        "",
                        "  topic %s, partition %s, offsets %s to %s"
                                .formatted(
                                        range.path("topic").asText(),
                                        range.path("partition"),
                                        range.path("start"),
                                        range.path("end").asLong() - 1));
            }
        }
        describeMissing(ancestor.path("missing"), lines);
        add(lines, "corpus", corpus(dataset.path("corpus_sha256").asText(), corpora));
    }

    private static void describeMissing(JsonNode missing, List<String> lines) {
        if (missing.isMissingNode()) {
            add(lines, "records", "the broker did not say whether they are still there");
        } else if (missing.isEmpty()) {
            add(lines, "records", "all still on the topic");
        }
        for (JsonNode range : missing) {
            add(lines, "MISSING", range.asText());
        }
    }

    private static String corpus(String sha256, JsonNode corpora) {
        for (JsonNode corpus : corpora) {
            if (corpus.path("sha256").asText().equals(sha256)) {
                return String.format(
                        Locale.ROOT,
                        "%s, %,d bytes, sha256 %s",
                        corpus.path("name").asText(corpus.path("id").asText()),
                        corpus.path("bytes").asLong(),
                        sha256);
            }
        }
        return "sha256 " + sha256;
    }

    private static void add(List<String> lines, String what, String value) {
        lines.add(String.format(Locale.ROOT, "  %-10s %s", what, value));
    }
}

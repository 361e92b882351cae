package io.bardstream.launcher;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Asks for a training run. */
@Command(name = "train", description = "Asks for a training run and prints its id.", mixinStandardHelpOptions = true)
final class Train implements Callable<Integer> {
    private static final String PRETRAIN = "pretrain";

    @Spec
    private CommandSpec spec;

    @Mixin
    private Where where;

    @Parameters(paramLabel = "STAGE", description = "pretrain")
    private String stage;

    @Option(names = "--dataset", paramLabel = "D", description = "Id of a dataset; the newest that is done by default.")
    private String dataset;

    @Option(
            names = "--preset",
            paramLabel = "P",
            description = "The model's shape and the training's defaults; that of the running instance by default.")
    private String preset;

    @Option(
            names = "--parent",
            paramLabel = "CHECKPOINT",
            description = "Checkpoint to start from; fresh weights by default.")
    private String parent;

    @Option(names = "--seed", description = "Of initialisation, sampling and dropout.")
    private Long seed;

    @Option(
            names = "--set",
            paramLabel = "KEY=VALUE",
            description = "A hyperparameter, such as learning_rate=0.003; may be repeated.")
    private Map<String, String> settings = new LinkedHashMap<>();

    @Option(names = "--follow", description = "Shows the run until it has ended; exit code 0 only if it succeeded.")
    private boolean follow;

    private final Console console = Console.standard();

    @Override
    public Integer call() {
        if (!stage.equals(PRETRAIN)) {
            throw new ParameterException(
                    spec.commandLine(), "The stage is '" + stage + "'; the one there is now is " + PRETRAIN);
        }
        ObjectNode request =
                Api.object().put("stage", stage).put("dataset", dataset == null ? newestDataset() : dataset);
        if (preset != null) {
            request.put("preset", preset);
        }
        if (parent != null) {
            request.put("parent", parent);
        }
        if (seed != null) {
            request.put("seed", seed);
        }
        ObjectNode hyperparameters = request.putObject("hyperparameters");
        settings.forEach((key, value) -> hyperparameters.set(key, value(value)));
        Api trainer = where.api(Service.TRAINER);
        String run = trainer.post("/v1/runs", request).path("id").asText();
        console.line(run);
        return follow ? followed(trainer, run) : 0;
    }

    private int followed(Api trainer, String run) {
        JsonNode ended = new RunFollower(trainer, run, stage, console).follow();
        String status = ended.path("status").asText();
        String error =
                ended.path("error").isTextual() ? ": " + ended.path("error").asText() : "";
        String checkpoint = ended.path("checkpoint").isTextual()
                ? ", checkpoint " + ended.path("checkpoint").asText()
                : "";
        console.line(status + checkpoint + error);
        return status.equals("succeeded") ? 0 : 1;
    }

    private String newestDataset() {
        List<JsonNode> datasets = Api.items(where.api(Service.TOKENIZER).get("/v1/datasets"));
        return datasets.stream()
                .filter(each -> each.path("kind").asText().equals(PRETRAIN)
                        && each.path("status").asText().equals("done"))
                .max(Comparator.comparing(each -> each.path("created_at").asText()))
                .map(each -> each.path("id").asText())
                .orElseThrow(() ->
                        new CommandFailure("There is no dataset to pretrain on yet. Make one by POST /v1/datasets at "
                                + where.ports().uri(Service.TOKENIZER) + ", or let `bardstream up` do it."));
    }

    /** A number or a boolean where it reads as one, else text. */
    static JsonNode value(String text) {
        try {
            JsonNode value = Api.JSON.readTree(text);
            return value.isNumber() || value.isBoolean() ? value : Api.object().textNode(text);
        } catch (JsonProcessingException word) {
            return Api.object().textNode(text);
        }
    }
}

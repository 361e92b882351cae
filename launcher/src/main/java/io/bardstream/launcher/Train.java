package io.bardstream.launcher;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
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
    private static final String CLASSIFY = "classify";
    private static final String PPO = "ppo";

    private static final String DPO = "dpo";
    private static final String REWARD = "reward";

    /** The stages that take the newest dataset of a kind, and which. */
    private static final Map<String, String> KINDS =
            Map.of("pretrain", "pretrain", "sft", "instruct", CLASSIFY, "classify");

    private static final List<String> STAGES = List.of("pretrain", "sft", CLASSIFY, REWARD, DPO, PPO);

    private static final String NONE = "none";
    private static final String SUCCEEDED = "succeeded";

    @Spec
    private CommandSpec spec;

    @Mixin
    private Where where;

    @Parameters(
            paramLabel = "STAGE",
            description =
                    "pretrain; sft, fine-tuning on instructions; classify, labels for texts; reward, a judge from votes;"
                            + " dpo, the policy from votes; or ppo, the policy against a reward model's judgement.")
    private String stage;

    @Option(
            names = "--dataset",
            paramLabel = "D",
            description =
                    "Id of a dataset; the newest that is done by default, for reward all votes so far, for dpo those of the"
                            + " newest reward model.")
    private String dataset;

    @Option(
            names = "--preset",
            paramLabel = "P",
            description = "The model's shape and the training's defaults; that of the running instance by default.")
    private String preset;

    @Option(
            names = "--parent",
            paramLabel = "CHECKPOINT",
            description =
                    "Checkpoint to start from, or none for fresh weights. By default none for pretrain, for sft and classify the"
                            + " newest pretrained checkpoint in the dataset's vocabulary, for reward the policy that serves,"
                            + " for dpo and ppo the policy that the newest reward model was trained for.")
    private String parent;

    @Option(
            names = "--reward",
            paramLabel = "CHECKPOINT",
            description = "For ppo, the reward model that judges; the newest by default.")
    private String reward;

    @Option(
            names = "--prompts",
            paramLabel = "FILE",
            description = "For ppo, the prompts to be answered, one a line; the dataset's instructions by default.")
    private Path prompts;

    @Option(names = "--seed", description = "Of initialisation, sampling and dropout.")
    private Long seed;

    @Option(
            names = "--set",
            paramLabel = "KEY=VALUE",
            description = "A hyperparameter, such as learning_rate=0.003; may be repeated.")
    private Map<String, String> settings = new LinkedHashMap<>();

    @Option(
            names = "--memory",
            paramLabel = "SIZE",
            converter = ByteSize.class,
            description = "Most that the training may take, such as 8GB; what is free by default.")
    private Long memory;

    @Option(names = "--fit", description = "Chooses the largest micro-batch that fits, at as many tokens a step.")
    private boolean fit;

    @Option(names = "--follow", description = "Shows the run until it has ended; exit code 0 only if it succeeded.")
    private boolean follow;

    @Option(
            names = "--sweep",
            paramLabel = "KEY=VALUE,VALUE…",
            description = "Trains with each of these values, one run after the other, and compares them in a table;"
                    + " repeated for another hyperparameter, with each combination. Best for short runs.")
    private List<String> sweep = List.of();

    @Option(names = "--json", paramLabel = "FILE", description = "Writes the table of --sweep to a file, too.")
    private Path json;

    private final Console console = Console.standard();

    @Override
    public Integer call() {
        if (!STAGES.contains(stage)) {
            throw new ParameterException(
                    spec.commandLine(), "The stage is '" + stage + "'; there are " + String.join(", ", STAGES));
        }
        Api trainer = where.api(stage.equals(REWARD) ? Service.REWARD : Service.TRAINER);
        if (!sweep.isEmpty()) {
            return swept(trainer);
        }
        if (json != null) {
            throw new ParameterException(spec.commandLine(), "--json goes with --sweep");
        }
        String run = submitted(trainer, request(settings));
        console.line(run);
        return follow ? followed(trainer, run) : 0;
    }

    private ObjectNode request(Map<String, String> values) {
        if (!stage.equals(PPO) && (reward != null || prompts != null)) {
            throw new ParameterException(spec.commandLine(), "--reward and --prompts go with ppo");
        }
        ObjectNode request =
                switch (stage) {
                    case PPO -> policyOptimization();
                    case DPO -> preferenceOptimization();
                    case REWARD -> judging();
                    default -> training();
                };
        if (preset != null) {
            request.put("preset", preset);
        }
        if (seed != null) {
            request.put("seed", seed);
        }
        if (memory != null) {
            request.put("memory", memory);
        }
        if (fit) {
            request.put("fit", true);
        }
        ObjectNode hyperparameters = request.putObject("hyperparameters");
        values.forEach((key, value) -> hyperparameters.set(key, value(value)));
        return request;
    }

    /** What a training on a dataset begins with. */
    private ObjectNode training() {
        String trainedOn = dataset == null ? newestDataset() : dataset;
        ObjectNode request = Api.object().put("stage", stage).put("dataset", trainedOn);
        if (parent == null && (stage.equals("sft") || stage.equals(CLASSIFY))) {
            request.put("parent", newestPretrained(trainedOn));
        } else if (parent != null && !parent.equals(NONE)) {
            request.put("parent", parent);
        }
        return request;
    }

    /** What PPO begins with: a judge, the policy it was trained for, and the dataset that this one was tuned on. */
    private ObjectNode policyOptimization() {
        Api trainer = where.api(Service.TRAINER);
        String judge = reward == null ? newestReward(trainer) : reward;
        String policy = parent == null
                ? trainer.get("/v1/checkpoints/" + judge).path("parent").asText()
                : parent;
        String trainedOn = dataset == null
                ? trainer.get("/v1/checkpoints/" + policy).path("dataset").asText()
                : dataset;
        ObjectNode request = Api.object()
                .put("stage", stage)
                .put("dataset", trainedOn)
                .put("parent", policy)
                .put("reward", judge);
        if (prompts != null) {
            ArrayNode lines = request.putArray("prompts");
            lines(prompts).stream().filter(line -> !line.isBlank()).forEach(lines::add);
        }
        return request;
    }

    /** What a judge begins with: reward-service finds what is left out. */
    private ObjectNode judging() {
        ObjectNode request = Api.object().put("stage", stage);
        if (dataset != null) {
            request.put("dataset", dataset);
        }
        if (parent != null) {
            request.put("parent", parent);
        }
        return request;
    }

    /** What DPO begins with: the votes, and the policy, of a reward model. */
    private ObjectNode preferenceOptimization() {
        Api trainer = where.api(Service.TRAINER);
        ObjectNode request = judging();
        if (dataset == null || parent == null) {
            JsonNode judge = trainer.get("/v1/checkpoints/" + newestReward(trainer));
            request.put("dataset", dataset == null ? judge.path("dataset").asText() : dataset);
            request.put("parent", parent == null ? judge.path("parent").asText() : parent);
        }
        return request;
    }

    private static String newestReward(Api trainer) {
        return Api.items(trainer.get("/v1/checkpoints")).stream()
                .filter(each -> each.path("stage").asText().equals("reward"))
                .map(each -> each.path("id").asText())
                .findFirst()
                .orElseThrow(() -> new CommandFailure(
                        "There is no reward model yet. Judge some pairs in the form, or say --reward CHECKPOINT."));
    }

    private static List<String> lines(Path file) {
        try {
            return Files.readAllLines(file);
        } catch (IOException e) {
            throw new CommandFailure(file + " cannot be read: " + e.getMessage(), e);
        }
    }

    private static String submitted(Api trainer, ObjectNode request) {
        return trainer.post("/v1/runs", request).path("id").asText();
    }

    /** Trains one combination after the other; exit code 0 if any run succeeded. */
    private int swept(Api trainer) {
        List<ObjectNode> rows = new ArrayList<>();
        for (Map<String, String> combination : combinations()) {
            String title = Sweep.title(combination);
            Map<String, String> values = new LinkedHashMap<>(settings);
            values.putAll(combination);
            try {
                RunFollower follower = new RunFollower(trainer, submitted(trainer, request(values)), title, console);
                JsonNode ended = follower.follow();
                console.line(title + "  " + ended.path("status").asText());
                rows.add(Sweep.row(combination, follower.progress().loss(), ended));
            } catch (Api.Refusal refusal) {
                console.problem(title, refusal.getMessage());
                ObjectNode refused = Api.object().put("status", "refused").put("error", refusal.getMessage());
                rows.add(Sweep.row(combination, OptionalDouble.empty(), refused));
            }
        }
        ArrayNode sorted = Sweep.bestFirst(rows);
        console.line("");
        Sweep.table(sorted).forEach(console::line);
        if (json != null) {
            write(sorted);
        }
        return rows.stream().anyMatch(row -> row.path("status").asText().equals(SUCCEEDED)) ? 0 : 1;
    }

    private List<Map<String, String>> combinations() {
        try {
            return Sweep.parse(sweep, settings).combinations();
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), "--sweep: " + e.getMessage(), e);
        }
    }

    private void write(ArrayNode rows) {
        try {
            Api.JSON.writerWithDefaultPrettyPrinter().writeValue(json.toFile(), rows);
        } catch (IOException e) {
            throw new CommandFailure(json + " cannot be written: " + e.getMessage(), e);
        }
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
        return status.equals(SUCCEEDED) ? 0 : 1;
    }

    private String newestDataset() {
        List<JsonNode> datasets = Api.items(where.api(Service.TOKENIZER).get("/v1/datasets"));
        return datasets.stream()
                .filter(each -> each.path("kind").asText().equals(KINDS.get(stage))
                        && each.path("status").asText().equals("done"))
                .max(Comparator.comparing(each -> each.path("created_at").asText()))
                .map(each -> each.path("id").asText())
                .orElseThrow(() -> new CommandFailure(
                        "There is no dataset of kind " + KINDS.get(stage) + " yet. Make one by POST /v1/datasets at "
                                + where.ports().uri(Service.TOKENIZER) + ", or let `bardstream up` do it."));
    }

    /** The newest checkpoint of a pretraining in the vocabulary that a dataset's is, or extends. */
    private String newestPretrained(String instructions) {
        Api tokenizers = where.api(Service.TOKENIZER);
        String tokenizer =
                tokenizers.get("/v1/datasets/" + instructions).path("tokenizer").asText();
        String base = tokenizers.get("/v1/tokenizers/" + tokenizer).path("base").asText();
        return Api.items(where.api(Service.TRAINER).get("/v1/checkpoints")).stream()
                .filter(each -> each.path("stage").asText().equals("pretrain")
                        && each.path("tokenizer_sha256").asText().equals(base))
                .map(each -> each.path("id").asText())
                .findFirst()
                .orElseThrow(() -> new CommandFailure("There is no pretrained checkpoint in the vocabulary of "
                        + instructions + " yet. Pretrain one first, or say --parent CHECKPOINT, or --parent none for"
                        + " fresh weights."));
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

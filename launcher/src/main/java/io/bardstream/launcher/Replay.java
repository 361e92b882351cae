package io.bardstream.launcher;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Trains a run again from the log, follows it, and shows what came out beside what came out then. */
@Command(
        name = "replay",
        description = "Retrains a run from its recorded offsets and compares the two.",
        mixinStandardHelpOptions = true)
final class Replay implements Callable<Integer> {
    @Mixin
    private Where where;

    @Parameters(paramLabel = "RUN", description = "Id of a run; GET /v1/runs of trainer and reward-service lists them.")
    private String run;

    @Option(names = "--check", description = "Exit code 1 unless both end with the same sha256.")
    private boolean check;

    @Option(
            names = "--set",
            paramLabel = "KEY=VALUE",
            description = "A hyperparameter, or the seed, that is to differ; may be repeated.")
    private Map<String, String> settings = new LinkedHashMap<>();

    @Option(
            names = "--until",
            paramLabel = "TIME|OFFSET",
            description = "Trains only on what came before a time, such as 2026-11-23T10:00:00Z, or before an offset.")
    private String until;

    @Option(
            names = "--exclude-annotator",
            paramLabel = "NAME",
            description = "Somebody whose votes are not to count, of a run on preferences; may be repeated.")
    private List<String> excluded = List.of();

    private final Console console = Console.standard();

    @Override
    public Integer call() {
        ObjectNode changes = Api.object();
        ObjectNode set = changes.putObject("set");
        settings.forEach((key, value) -> set.set(key, Train.value(value)));
        if (until != null) {
            changes.put("until", until);
        }
        if (!excluded.isEmpty()) {
            excluded.forEach(changes.putArray("exclude_annotators")::add);
        }
        Api owner = owner();
        String replay =
                owner.post("/v1/runs/" + run + "/replay", changes).path("id").asText();
        console.line("replay " + replay);
        JsonNode ended = new RunFollower(owner, replay, "replay", console).follow();
        if (ended.path("error").isTextual()) {
            console.line(
                    ended.path("status").asText() + ": " + ended.path("error").asText());
        }
        JsonNode comparison = owner.get("/v1/runs/" + replay + "/comparison");
        ComparisonTable.lines(comparison).forEach(console::line);
        console.line(comparison.path("says").asText());
        boolean done = check
                ? comparison.path("verdict").asText().equals("equal")
                : ended.path("status").asText().equals("succeeded");
        return done ? 0 : 1;
    }

    /** The service that trained the run: reward models are reward-service's. */
    private Api owner() {
        Api trainer = where.api(Service.TRAINER);
        try {
            trainer.get("/v1/runs/" + run);
            return trainer;
        } catch (Api.Refusal refusal) {
            if (refusal.status() != 404) {
                throw refusal;
            }
            return where.api(Service.REWARD);
        }
    }
}

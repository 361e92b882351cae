package io.bardstream.training;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonValue;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.bardstream.checkpoint.Lineage;
import io.bardstream.event.EventJson;
import io.bardstream.event.TrainingRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * A run beside the run it repeats: what was asked of them, what computed them, what came out, and whether they are the same.
 *
 * @param settings what was asked differently
 * @param computing in what code, engine and machine they differ
 * @param checkpoints the last and the best of each
 * @param says the verdict in words
 */
@JsonInclude(JsonInclude.Include.ALWAYS)
public record Comparison(
        Trained original,
        Trained replay,
        List<Difference> settings,
        List<Difference> computing,
        List<Pair> checkpoints,
        Verdict verdict,
        String says) {
    private static final ObjectMapper JSON = EventJson.configure(new ObjectMapper());
    private static final String NONE = "–";

    /** Whether two runs are the same. */
    public enum Verdict {
        EQUAL,
        DIFFERENT,
        /** They differ in something that their bits are a function of, or one of them has not ended well. */
        NOT_COMPARABLE;

        @JsonValue
        public String label() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    public record Difference(String name, String original, String replay) {
        private String says() {
            return "%s (%s there, %s here)".formatted(name, original, replay);
        }
    }

    public record Weights(String id, long step, String sha256) {}

    /** @param which {@code last} or {@code best} */
    public record Pair(String which, Weights original, Weights replay) {
        @JsonProperty
        public boolean equal() {
            return original != null
                    && replay != null
                    && original.step() == replay.step()
                    && original.sha256().equals(replay.sha256());
        }
    }

    /**
     * What is known of a run that was trained.
     *
     * @param seconds from its start to its end
     * @param lineage of one of its checkpoints; null where their folders are gone
     */
    @JsonInclude(JsonInclude.Include.ALWAYS)
    public record Trained(
            String run,
            RunStatus status,
            long step,
            long tokens,
            Double bestValidationLoss,
            Double bitsPerByte,
            Double seconds,
            Weights last,
            Weights best,
            @JsonIgnore TrainingRequest request,
            @JsonIgnore Lineage lineage) {}

    static Comparison of(Trained original, Trained replay) {
        List<Difference> settings = differences(settings(original.request()), settings(replay.request()));
        List<Difference> computing = differences(computing(original), computing(replay));
        List<Pair> checkpoints = List.of(
                new Pair("last", original.last(), replay.last()), new Pair("best", original.best(), replay.best()));
        Verdict verdict = verdict(original, replay, settings, computing, checkpoints);
        return new Comparison(
                original,
                replay,
                settings,
                computing,
                checkpoints,
                verdict,
                says(original, replay, settings, computing, checkpoints, verdict));
    }

    private static Verdict verdict(
            Trained original,
            Trained replay,
            List<Difference> settings,
            List<Difference> computing,
            List<Pair> checkpoints) {
        if (original.status() != RunStatus.SUCCEEDED || replay.status() != RunStatus.SUCCEEDED) {
            return Verdict.NOT_COMPARABLE;
        }
        if (settings.isEmpty() && checkpoints.stream().allMatch(Pair::equal)) {
            return Verdict.EQUAL;
        }
        return settings.isEmpty() && computing.isEmpty() ? Verdict.DIFFERENT : Verdict.NOT_COMPARABLE;
    }

    private static String says(
            Trained original,
            Trained replay,
            List<Difference> settings,
            List<Difference> computing,
            List<Pair> checkpoints,
            Verdict verdict) {
        return switch (verdict) {
            case EQUAL -> "equal: the last and the best checkpoint have the same sha256";
            case DIFFERENT ->
                "different: the same settings, code and engine gave other bits in the "
                        + checkpoints.stream()
                                .filter(pair -> !pair.equal())
                                .map(Pair::which)
                                .collect(Collectors.joining(" and the "))
                        + " checkpoint";
            case NOT_COMPARABLE ->
                "not comparable: " + String.join("; ", reasons(original, replay, settings, computing));
        };
    }

    private static List<String> reasons(
            Trained original, Trained replay, List<Difference> settings, List<Difference> computing) {
        List<String> reasons = new ArrayList<>();
        if (original.status() != RunStatus.SUCCEEDED) {
            reasons.add("the original is " + original.status().label() + " at step " + original.step());
        }
        if (replay.status() != RunStatus.SUCCEEDED) {
            reasons.add("the replay is " + replay.status().label() + " at step " + replay.step());
        }
        settings.forEach(difference -> reasons.add(difference.says()));
        computing.forEach(difference -> reasons.add(difference.says()));
        return reasons;
    }

    private static Map<String, String> settings(TrainingRequest request) {
        Map<String, String> settings = new TreeMap<>();
        JSON.<JsonNode>valueToTree(request.hyperparameters())
                .properties()
                .forEach(entry -> settings.put(
                        entry.getKey(),
                        entry.getValue().isValueNode()
                                ? entry.getValue().asText()
                                : entry.getValue().toString()));
        settings.put("seed", Long.toString(request.seed()));
        if (request.until() != null) {
            settings.put("until", "offset " + request.until());
        }
        if (request.excludedAnnotators() != null) {
            settings.put("excluded_annotators", String.join(", ", request.excludedAnnotators()));
        }
        return settings;
    }

    /** What bits are a function of beside the settings. */
    private static Map<String, String> computing(Trained trained) {
        Map<String, String> computing = new TreeMap<>();
        Lineage lineage = trained.lineage();
        if (lineage == null) {
            computing.put("engine", "unknown, the checkpoint folders of " + trained.run() + " are gone");
            return computing;
        }
        computing.put("code version", lineage.codeVersion());
        computing.put("native library", lineage.engine().library());
        computing.put("native library's sha256", lineage.engine().librarySha256());
        computing.put("instruction set", lineage.engine().instructionSet());
        computing.put("device", lineage.engine().device());
        computing.put("threads in use", Integer.toString(lineage.engine().threads()));
        for (Lineage.Stretch stretch : lineage.earlier()) {
            computing.put(
                    "steps up to " + stretch.untilStep(),
                    "by " + stretch.codeVersion() + " on " + stretch.engine().instructionSet() + ", "
                            + stretch.engine().device());
        }
        return computing;
    }

    private static List<Difference> differences(Map<String, String> original, Map<String, String> replay) {
        Map<String, String> all = new TreeMap<>(original);
        all.putAll(replay);
        return all.keySet().stream()
                .filter(name -> !Objects.equals(original.get(name), replay.get(name)))
                .map(name -> new Difference(name, original.getOrDefault(name, NONE), replay.getOrDefault(name, NONE)))
                .toList();
    }
}

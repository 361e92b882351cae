package io.bardstream.launcher;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.bardstream.launcher.Answers.Answer;
import io.bardstream.launcher.ScriptedAnnotator.Ballots;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * What a demo came to. It succeeded if the taste rose, by a test that errs in one of a hundred cases, and nothing was
 * paid for it that a user would mind.
 *
 * @param noise share of the votes that were flipped
 * @param seconds of each stage
 * @param ballots on the policy's texts
 * @param onCandidate votes on its texts beside the policy's
 * @param heldOut the reward model's accuracy on pairs it was not trained on
 * @param kl of the candidate to the policy, in nats a response
 * @param klCeiling at which PPO stops
 * @param updates what PPO measured, update by update, by TRL's names
 * @param lineage of one of the candidate's answers
 */
record DemoReport(
        String taste,
        double noise,
        Map<String, Double> seconds,
        String rewardModel,
        Ballots ballots,
        Ballots onCandidate,
        Accuracy heldOut,
        double kl,
        double klCeiling,
        Measured before,
        Measured after,
        List<JsonNode> updates,
        List<Sample> samples,
        JsonNode lineage) {
    private static final double SURE = 0.01;
    private static final double MOST_VARIETY_LOST = 0.20;
    private static final double MOST_FORGETTING = 0.05;

    /** Of a lineage, what is too long for a terminal. */
    private static final Pattern LONG_LINES = Pattern.compile("^  (measured|settings) ");

    private static final JsonMapper JSON = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .enable(SerializationFeature.INDENT_OUTPUT)
            .build();

    /** @param low lower end of the 95 % interval */
    record Accuracy(long count, long of, double value, double low, double high) {
        static Accuracy of(JsonNode share) {
            return new Accuracy(
                    share.path("count").asLong(),
                    share.path("of").asLong(),
                    share.path("value").asDouble(),
                    share.path("low").asDouble(),
                    share.path("high").asDouble());
        }
    }

    /**
     * What was measured of a checkpoint.
     *
     * @param answers that were looked at
     * @param withTaste of these
     * @param reward their mean
     * @param distinct1 different words, as a share of all
     * @param distinct2 different pairs of neighbouring words, likewise
     * @param characters mean length of an answer
     * @param validationLoss nats a token, of held-out answers to instructions
     */
    record Measured(
            String checkpoint,
            int answers,
            int withTaste,
            double reward,
            @JsonProperty("distinct_1") double distinct1,
            @JsonProperty("distinct_2") double distinct2,
            double characters,
            double validationLoss) {
        static Measured of(Answers answers, Taste taste, double validationLoss) {
            return new Measured(
                    answers.checkpoint(),
                    answers.all().size(),
                    answers.with(taste),
                    answers.meanReward(),
                    answers.distinct(1),
                    answers.distinct(2),
                    answers.meanLength(),
                    validationLoss);
        }
    }

    /** A prompt with what was answered before and after. */
    record Sample(String prompt, Answer before, Answer after) {
        /** Some of them, prompts in turn. */
        static List<Sample> of(Answers before, Answers after, int every) {
            return IntStream.range(0, before.all().size())
                    .filter(i -> i % every == 0)
                    .mapToObj(i -> new Sample(
                            before.all().get(i).prompt(),
                            before.all().get(i),
                            after.all().get(i)))
                    .toList();
        }
    }

    /** One of the conditions of success, with the numbers it goes by. */
    record Check(String name, boolean passed, String detail) {}

    /** Those that decide whether the demo succeeded. */
    List<Check> checks() {
        TwoProportions rise = new TwoProportions(before.withTaste, before.answers, after.withTaste, after.answers);
        double lost = 1 - after.distinct2 / before.distinct2;
        double forgotten = after.validationLoss / before.validationLoss - 1;
        return List.of(
                check(
                        "the taste rose",
                        rise.p() < SURE,
                        "%.1f %% of %d answers, then %.1f %% of %d (p %s, wanted below %.2f)",
                        100 * rise.shareBefore(),
                        before.answers,
                        100 * rise.shareAfter(),
                        after.answers,
                        probability(rise.p()),
                        SURE),
                check(
                        "KL under its ceiling",
                        kl < klCeiling,
                        "%.2f nats a response (wanted below %.0f)",
                        kl,
                        klCeiling),
                check(
                        "variety kept",
                        lost < MOST_VARIETY_LOST,
                        "distinct-2 %.3f, then %.3f: %+.1f %% (wanted above -%.0f %%)",
                        before.distinct2,
                        after.distinct2,
                        -100 * lost,
                        100 * MOST_VARIETY_LOST),
                check(
                        "nothing forgotten",
                        forgotten < MOST_FORGETTING,
                        "validation loss %.4f, then %.4f: %+.1f %% (wanted below +%.0f %%)",
                        before.validationLoss,
                        after.validationLoss,
                        100 * forgotten,
                        100 * MOST_FORGETTING));
    }

    boolean succeeded() {
        return checks().stream().allMatch(Check::passed);
    }

    /** The lineage as `bardstream lineage` shows it. */
    String lineageText() {
        return Lineage.text(lineage);
    }

    double totalSeconds() {
        return seconds.values().stream().mapToDouble(Double::doubleValue).sum();
    }

    /** For programs: everything, and the checks. */
    byte[] json() {
        ObjectNode all = (ObjectNode) JSON.valueToTree(this);
        all.put("succeeded", succeeded());
        all.set("checks", JSON.valueToTree(checks()));
        return all.toPrettyString().getBytes(StandardCharsets.UTF_8);
    }

    /** For a terminal, line by line; of the samples a few. */
    List<String> lines() {
        List<String> lines = new ArrayList<>();
        lines.add(text(
                "Taste '%s', told to nobody; %d votes, %d of them for one text, %.0f %% flipped",
                taste, ballots.votes(), ballots.decided(), 100 * noise));
        lines.add(text(
                "Reward model %s: %d of %d held-out pairs judged as voted, %.1f %% (95 %% interval %.1f to %.1f)",
                rewardModel, heldOut.count, heldOut.of, 100 * heldOut.value, 100 * heldOut.low, 100 * heldOut.high));
        lines.add("");
        lines.addAll(Table.aligned(rows()));
        lines.add("");
        samples.stream().limit(3).forEach(sample -> {
            lines.add("  > " + sample.prompt.strip().replace("\n", " / "));
            lines.add(text("  before  %+.2f  %s", sample.before.reward(), oneLine(sample.before.text())));
            lines.add(text("  after   %+.2f  %s", sample.after.reward(), oneLine(sample.after.text())));
        });
        lines.add("");
        lines.add("One answer's way back:");
        lineageText().lines().filter(line -> !LONG_LINES.matcher(line).find()).forEach(line -> lines.add("  " + line));
        lines.add("");
        lines.add(text(
                "Time         %s",
                String.join(
                        ", ",
                        seconds.entrySet().stream()
                                .map(stage -> stage.getKey() + " " + Progress.duration(Math.round(stage.getValue())))
                                .toList())));
        checks().forEach(check ->
                lines.add((check.passed ? "passed       " : "FAILED       ") + check.name + ": " + check.detail));
        return lines;
    }

    /** The numbers before and after, with a head. */
    List<List<String>> rows() {
        return List.of(
                List.of("", "before", "after"),
                List.of("checkpoint", before.checkpoint, after.checkpoint),
                row(
                        "answers with the taste",
                        "%.1f %%",
                        100.0 * before.withTaste / before.answers,
                        100.0 * after.withTaste / after.answers),
                row("mean reward", "%+.2f", before.reward, after.reward),
                row("KL to the policy before", "%.2f", 0, kl),
                row("distinct-1", "%.3f", before.distinct1, after.distinct1),
                row("distinct-2", "%.3f", before.distinct2, after.distinct2),
                row("characters an answer", "%.1f", before.characters, after.characters),
                row("validation loss", "%.4f", before.validationLoss, after.validationLoss));
    }

    private static List<String> row(String name, String format, double before, double after) {
        return List.of(name, text(format, before), text(format, after));
    }

    private static Check check(String name, boolean passed, String detail, Object... values) {
        return new Check(name, passed, text(detail, values));
    }

    private static String probability(double p) {
        return p < 1e-4 ? text("%.0e", p) : text("%.4f", p);
    }

    private static String oneLine(String text) {
        return text.strip().replaceAll("\\R", " / ");
    }

    private static String text(String format, Object... values) {
        return String.format(Locale.ROOT, format, values);
    }
}

package io.bardstream.launcher;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.bardstream.launcher.ScriptedAnnotator.Ballots;
import io.bardstream.train.Preset;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Sees a system through one turn of the ring, and shows it: a text becomes a policy, votes on what that writes become a reward
 * model, and this makes a candidate that votes promote. The curriculum starts every training; here are only the text, the
 * votes, and patience.
 */
final class Ring {
    private static final Duration BETWEEN_LINES = Duration.ofSeconds(10);
    private static final int MOST_VOTES_ON_A_CANDIDATE = 80;
    private static final String CURRICULUM = "curriculum";

    private final Ports ports;
    private final Home home;
    private final ScriptedAnnotator annotator;
    private final Console console;
    private final Api trainer;
    private final Api rewardService;
    private final Map<String, Double> seconds = new LinkedHashMap<>();
    private long lastStage = System.nanoTime();

    Ring(Ports ports, Home home, ScriptedAnnotator annotator, Console console) {
        this.ports = ports;
        this.home = home;
        this.annotator = annotator;
        this.console = console;
        this.trainer = new Api(ports.uri(Service.TRAINER));
        this.rewardService = new Api(ports.uri(Service.REWARD));
    }

    /**
     * What a turn came to.
     *
     * @param policy checkpoint before, PPO's reference, too
     * @param candidate checkpoint after, which serves now
     * @param rewardModel as {@code /v1/reward-models} shows it
     * @param ppo the run
     * @param updates what each of its updates measured
     * @param promotion of the candidate
     * @param ballots on the policy's texts, and on the candidate's beside them
     * @param seconds of each stage
     */
    record Turn(
            String policy,
            String candidate,
            JsonNode rewardModel,
            JsonNode ppo,
            List<JsonNode> updates,
            JsonNode promotion,
            Ballots ballots,
            Ballots onCandidate,
            Map<String, Double> seconds) {}

    /**
     * Goes through all stages.
     *
     * @param corpus file or URL, or null for the default
     * @param decided votes for one of two texts that the reward model is to have
     * @throws CommandFailure if a stage did not do its work
     */
    Turn turn(String corpus, Preset preset, int decided) {
        if (!new TextToModel(ports.uri(Service.TOKENIZER), ports.uri(Service.TRAINER), home, console)
                .run(corpus, null, preset)) {
            throw new CommandFailure("The policy was not trained; the lines above say why.");
        }
        Patience.awaited("A policy tuned on instructions does not serve", () -> serving("sft"));
        lap("text to policy");
        Ballots ballots = votes("votes", cast -> cast.decided() >= decided);
        lap("votes");
        JsonNode rewardModel = rewardModel();
        lap("reward model");
        JsonNode ppo = followed(trainer, "ppo");
        List<JsonNode> updates = updates(ppo.path("id").asText());
        String candidate = ppo.path("checkpoint").asText();
        lap("PPO");
        Ballots onCandidate = votes(
                "candidate",
                cast -> cast.decided() >= MOST_VOTES_ON_A_CANDIDATE
                        || serves(candidate).isPresent());
        JsonNode promotion = Patience.awaited(
                "Candidate " + candidate + " was not promoted after " + onCandidate.decided()
                        + " votes (`bardstream logs reward` says why)",
                () -> serves(candidate));
        console.line("promoted   " + candidate + ": " + promotion.path("reason").asText());
        lap("candidate");
        return new Turn(
                ppo.path("parent").asText(),
                candidate,
                rewardModel,
                ppo,
                updates,
                promotion,
                ballots,
                onCandidate,
                new LinkedHashMap<>(seconds));
    }

    private void lap(String stage) {
        long now = System.nanoTime();
        seconds.put(stage, (now - lastStage) / 1e9);
        lastStage = now;
    }

    private Optional<JsonNode> serving(String stage) {
        return newestPromotion().filter(promotion -> trainer.get(
                        "/v1/checkpoints/" + promotion.path("checkpoint").asText())
                .path("stage")
                .asText()
                .equals(stage));
    }

    private Optional<JsonNode> serves(String checkpoint) {
        return newestPromotion()
                .filter(promotion -> promotion.path("checkpoint").asText().equals(checkpoint));
    }

    private Optional<JsonNode> newestPromotion() {
        return Api.items(rewardService.get("/v1/promotions")).stream().findFirst();
    }

    private Ballots votes(String title, Predicate<Ballots> enough) {
        long[] shown = {System.nanoTime()};
        Ballots cast = annotator.vote(so -> {
            String text = String.format(
                    Locale.ROOT, "%-10s %d votes by taste, %d for one text", title, so.votes(), so.decided());
            console.bar(text);
            if (!console.terminal() && System.nanoTime() - shown[0] > BETWEEN_LINES.toNanos()) {
                shown[0] = System.nanoTime();
                console.line(text);
            }
            return enough.test(so);
        });
        console.bar("");
        console.line(String.format(
                Locale.ROOT,
                "%-10s %d votes of '%s', %d for one of the two texts, %d ties",
                title,
                cast.votes(),
                annotator.taste().label(),
                cast.decided(),
                cast.votes() - cast.decided()));
        return cast;
    }

    /** The one that was trained on the votes, which has passed its gate. */
    private JsonNode rewardModel() {
        String checkpoint = followed(rewardService, "reward").path("checkpoint").asText();
        JsonNode model = Patience.awaited(
                "Reward model " + checkpoint + " is not listed",
                () -> Api.items(rewardService.get("/v1/reward-models")).stream()
                        .filter(each -> each.path("id").asText().equals(checkpoint))
                        .findFirst());
        console.line("gate       " + model.at("/verdict/reason").asText());
        if (!model.at("/verdict/passed").asBoolean()) {
            throw new CommandFailure("The reward model did not pass its gate, so no PPO was started. "
                    + model.at("/verdict/reason").asText());
        }
        return model;
    }

    /** Follows the curriculum's run of a stage to its end, which is a good one. */
    private JsonNode followed(Api service, String stage) {
        String run = Patience.awaited(
                        "No run of stage " + stage + " was started", () -> Api.items(service.get("/v1/runs")).stream()
                                .filter(each -> each.path("stage").asText().equals(stage)
                                        && each.path("requested_by").asText().equals(CURRICULUM))
                                .findFirst())
                .path("id")
                .asText();
        JsonNode ended = new RunFollower(service, run, stage, console).follow();
        String status = ended.path("status").asText();
        if (!status.equals("succeeded")) {
            throw new CommandFailure(
                    "Run " + run + " " + status + ": " + ended.path("error").asText());
        }
        console.line(String.format(
                Locale.ROOT,
                "%-10s succeeded after %d steps, checkpoint %s",
                stage,
                ended.path("step").asLong(),
                ended.path("checkpoint").asText()));
        return ended;
    }

    private List<JsonNode> updates(String run) {
        List<JsonNode> updates = new ArrayList<>();
        trainer.events("/v1/runs/" + run + "/metrics", line -> {
            JsonNode metrics = Api.json(line);
            if (metrics.path("measures").isObject()) {
                updates.add(((ObjectNode) metrics.path("measures"))
                        .put("update", metrics.path("step").asLong()));
            }
            return true;
        });
        return updates;
    }
}

package io.bardstream.trainer;

import static io.bardstream.training.RunsApi.awaitKnown;
import static io.bardstream.training.RunsApi.awaitStatus;
import static io.bardstream.training.RunsApi.metrics;
import static io.bardstream.training.RunsApi.refused;
import static io.bardstream.training.RunsApi.run;
import static io.bardstream.training.RunsApi.submit;
import static io.restassured.RestAssured.when;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.awaitility.Awaitility.await;

import io.bardstream.checkpoint.CheckpointFolder;
import io.bardstream.checkpoint.CheckpointStore;
import io.bardstream.checkpoint.HuggingFaceFormat;
import io.bardstream.checkpoint.HuggingFaceFormat.TokenizerFiles;
import io.bardstream.checkpoint.ModelConfig.RewardScale;
import io.bardstream.embedded.EmbeddedServices;
import io.bardstream.event.Checkpoint;
import io.bardstream.event.Dataset;
import io.bardstream.event.GenerationRequest.Format;
import io.bardstream.event.Preference;
import io.bardstream.event.Preference.Choice;
import io.bardstream.event.Stage;
import io.bardstream.event.StepMetrics;
import io.bardstream.event.TokenizerPublished;
import io.bardstream.event.Topics;
import io.bardstream.gpt.Gpt;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.Precision;
import io.bardstream.service.BardstreamHome;
import io.bardstream.training.Facts;
import io.bardstream.training.PreferenceDatasets;
import io.bardstream.training.PreferenceLog;
import io.bardstream.training.PublishedCorpus;
import io.bardstream.training.PublishedInstructions;
import io.bardstream.training.PublishedInstructions.Pair;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.path.json.JsonPath;
import jakarta.inject.Inject;
import jakarta.persistence.EntityManager;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * PPO and DPO from a request to an announced checkpoint, of a policy tuned for a few steps; PPO before a judge of
 * random weights.
 */
@QuarkusTest
@WithTestResource(EmbeddedServices.class)
class PpoStageTest {
    private static final Duration SOON = Duration.ofMinutes(2);
    private static final String TEXT = "Say after me: one two three four five six seven eight nine ten, aligned. ";
    private static final List<String> WORDS =
            List.of("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten");

    @Inject
    BardstreamHome home;

    @Inject
    EntityManager database;

    @Inject
    Facts facts;

    @Inject
    PreferenceLog log;

    @Inject
    PreferenceDatasets preferences;

    @ConfigProperty(name = "kafka.bootstrap.servers")
    String kafka;

    private PublishedCorpus corpus;
    private PublishedInstructions instructions;
    private Dataset dataset;
    private String policy;

    @BeforeEach
    void tune() {
        corpus = new PublishedCorpus(kafka, TEXT.repeat(40), 450);
        instructions = new PublishedInstructions(corpus);
        List<Pair> pairs = IntStream.range(0, 60)
                .mapToObj(i -> new Pair(
                        "Say " + WORDS.get(i % 10) + " " + WORDS.get(i / 10) + (i < 50 ? "" : ", sir"),
                        WORDS.get(i % 10) + "!"))
                .toList();
        dataset = instructions.publish(pairs.subList(0, 50), pairs.subList(50, 60));
        awaitKnown(dataset, "sft");
        String tuned = submit(Map.of(
                "stage",
                "sft",
                "dataset",
                dataset.id(),
                "preset",
                "tiny",
                "hyperparameters",
                Map.of("steps", 8, "evaluation_interval", 8, "threads", 1)));
        awaitStatus(tuned, "succeeded");
        policy = run(tuned).getString("checkpoint");
    }

    @AfterEach
    void close() {
        corpus.close();
    }

    @Test
    void ppoGoesOnToTheBitStopsAtItsGuardsAndRefusesWhatCannotWork() throws Exception {
        // Given a judge, and a run that nobody disturbs
        String judge = announceJudge();
        Map<String, Object> parameters = Map.of("updates", 10, "checkpoint_interval", 2, "evaluation_interval", 5);
        String undisturbed = submit(ppo(judge, parameters));
        awaitStatus(undisturbed, "succeeded");

        // When the same run is taken from its worker without a word
        String disturbed = submit(ppo(judge, parameters));
        await().atMost(SOON).until(() -> run(disturbed).getLong("step") > 2);
        takeAway(disturbed);
        awaitStatus(disturbed, "succeeded");

        // Then both announced one checkpoint, with the same weights, numbers and rollouts
        JsonPath checkpoint = checkpoint(undisturbed);
        assertThat(checkpoint.getString("sha256"))
                .isEqualTo(checkpoint(disturbed).getString("sha256"));
        assertThat(checkpoint.getInt("step")).isEqualTo(10);
        assertThat(checkpoint.getString("parent")).isEqualTo(policy);
        Map<String, Object> measured = checkpoint.getMap("metrics");
        assertThat(measured)
                .containsKeys(
                        "objective/kl",
                        "objective/scores",
                        "objective/kl_coef",
                        "ppo/policy/approxkl",
                        "ppo/policy/clipfrac",
                        "ppo/val/var_explained",
                        Checkpoint.VALIDATION_LOSS);
        Path folder = home.checkpoints().resolve(checkpoint.getString("path"));
        assertThat(Files.readAllLines(folder.resolve(PpoLoop.ROLLOUTS)))
                .hasSize(8)
                .allMatch(line -> line.contains("\"score\":"));
        assertThat(folder.resolve(HuggingFaceFormat.OPTIMIZER)).exists();

        // And each update was told under TRL's names, some with responses and scores
        List<StepMetrics> metrics = metrics(undisturbed);
        assertThat(metrics).hasSize(10).allSatisfy(metric -> assertThat(metric.measures())
                .containsKeys("objective/kl", "objective/entropy", "ppo/loss/value", "time/rollout"));
        assertThat(metrics.get(0).measures().get("objective/kl")).isZero();
        assertThat(metrics.get(0).sample()).contains("<|assistant|>");

        // When the KL may not come where it came, then the run stops with the reason, and the policy is what it was
        // before
        double[] kl = metrics.stream()
                .mapToDouble(metric -> metric.measures().get("objective/kl"))
                .toArray();
        int highest = IntStream.range(2, kl.length)
                .filter(i -> kl[i] > Arrays.stream(kl, 0, i).max().orElseThrow())
                .findFirst()
                .orElseThrow();
        Map<String, Object> strictParameters = new HashMap<>(parameters);
        strictParameters.put("checkpoint_interval", 1);
        strictParameters.put("kl_ceiling", (Arrays.stream(kl, 0, highest).max().orElseThrow() + kl[highest]) / 2);
        String strict = submit(ppo(judge, strictParameters));
        awaitStatus(strict, "failed");
        assertThat(run(strict).getString("error"))
                .startsWith("Stopped at update " + (highest + 1))
                .contains("kl_ceiling")
                .endsWith("the policy is back at update " + (highest - 1));
        assertThat(run(strict).getString("verdict")).isEqualTo(run(strict).getString("error"));
        JsonPath good = checkpoint(strict);
        assertThat(good.getDouble("metrics.'objective/kl'")).isCloseTo(kl[highest - 1], within(1e-6));
        assertThat(home.checkpoints().resolve(good.getString("path")).resolve(PpoLoop.ROLLOUTS))
                .exists();

        // And what cannot work is refused by name
        refused(ppo(judge, Map.of("response_length", 4_000)), "response_length");
        refused(ppo(judge, Map.of("minibatch", 3)), "minibatch");
        refused(ppo(judge, Map.of("updates", 2, "steps", 2)), "updates");
        refused(ppo(judge, Map.of("dropout", 0.1)), "dropout");
        refused(ppo(judge, Map.of("num_layers_unfrozen", 0)), "num_layers_unfrozen");
        refused(limited(ppo(judge, Map.of()), 1_000_000), "batch_size");
        refused(ppo("nobody-000001", Map.of()), "reward");
        refused(ppo(policy, Map.of()), "reward");
        Map<String, Object> orphan = new HashMap<>(ppo(judge, Map.of()));
        orphan.remove("parent");
        refused(orphan, "parent");
    }

    @Test
    void dpoLearnsFromVotesAndRefusesWhatCannotWork() throws Exception {
        // Given forty pairs on the topic, of which people preferred the one that says it loud
        for (int i = 0; i < 40; i++) {
            String word = WORDS.get(i % 10);
            corpus.send(Topics.PREFERENCES.name(), "vote-" + i + dataset.id(), vote(i, word + "!", word + "?"));
        }
        TokenizerPublished tokenizer = facts.tokenizer(dataset.tokenizer()).orElseThrow();
        String id = "preferences-" + dataset.id();
        Dataset votes = preferences.before(log.end(), List.of(), id, tokenizer, () -> false);
        corpus.send(Topics.DATASETS.name(), id, votes);
        await().atMost(SOON).until(() -> facts.dataset(id).isPresent());

        // When
        String run = submit(dpo(
                id,
                Map.of("steps", 30, "evaluation_interval", 15, "batch_size", 8, "learning_rate", 1e-3, "threads", 1)));
        awaitStatus(run, "succeeded");

        // Then it prefers what they preferred on prompts it has not seen, and says how far it went for that
        JsonPath best = when().get("/v1/checkpoints/" + run(run).getString("checkpoint"))
                .jsonPath();
        assertThat(best.getString("stage")).isEqualTo("dpo");
        assertThat(best.getString("parent")).isEqualTo(policy);
        Map<String, Float> measured = best.getMap("metrics");
        assertThat(measured.get(Checkpoint.VALIDATION_LOSS)).isLessThan(0.6f);
        assertThat(measured.get("rewards/accuracies")).isGreaterThan(0.8f);
        assertThat(measured.get("objective/kl")).isPositive();

        // And what cannot work is refused by name
        refused(dpo(dataset.id(), Map.of()), "dataset");
        refused(dpo(id, Map.of("clip_range", 0.2)), "clip_range");
        refused(limited(dpo(id, Map.of()), 1_000_000), "batch_size");
        refused(Map.of("stage", "dpo", "dataset", id), "parent");
        refused(Map.of("stage", "dpo", "dataset", id, "parent", policy, "reward", policy), "reward");
    }

    private static Map<String, Object> limited(Map<String, Object> request, long bytes) {
        Map<String, Object> limited = new HashMap<>(request);
        limited.put("memory", bytes);
        return limited;
    }

    private Map<String, Object> dpo(String preferred, Map<String, ?> hyperparameters) {
        return Map.of(
                "stage",
                "dpo",
                "dataset",
                preferred,
                "preset",
                "tiny",
                "parent",
                policy,
                "hyperparameters",
                hyperparameters);
    }

    private Preference vote(int number, String chosen, String rejected) {
        boolean chosenFirst = number % 2 == 0;
        return new Preference(
                "vote-" + number + dataset.id(),
                "comparison-" + number + dataset.id(),
                "ann",
                chosenFirst ? Choice.A : Choice.B,
                null,
                "Say " + WORDS.get(number % 10) + " " + number,
                Format.CHAT,
                chosenFirst ? chosen : rejected,
                chosenFirst ? rejected : chosen,
                null,
                null,
                policy,
                policy,
                null,
                Instant.now());
    }

    private Map<String, Object> ppo(String judge, Map<String, ?> hyperparameters) {
        Map<String, Object> all = new HashMap<>(Map.of(
                "rollouts",
                8,
                "minibatch",
                4,
                "batch_size",
                4,
                "response_length",
                8,
                "critic_warmup",
                0,
                "threads",
                1,
                "learning_rate",
                3e-4));
        all.putAll(hyperparameters);
        return Map.of(
                "stage",
                "ppo",
                "dataset",
                dataset.id(),
                "preset",
                "tiny",
                "parent",
                policy,
                "reward",
                judge,
                "prompts",
                List.of("Say one", "Say two", "Say three"),
                "hyperparameters",
                all);
    }

    /** A reward model with the policy's trunk and a head of random weights. */
    private String announceJudge() throws IOException {
        JsonPath parent = when().get("/v1/checkpoints/" + policy).jsonPath();
        Path tuned = home.checkpoints().resolve(parent.getString("path"));
        String id = "reward-" + dataset.id();
        CheckpointFolder folder;
        try (Compute compute = Compute.beside(Precision.FLOAT32);
                Gpt gpt = Gpt.loadWithScalarHead(tuned, compute)) {
            gpt.scalarHead().draw(1);
            folder = new CheckpointStore(home.checkpoints()).write(id, id + "-000001", into -> {
                HuggingFaceFormat.writeDescription(
                        into,
                        HuggingFaceFormat.readConfig(tuned).withReward(new RewardScale(1, 0)),
                        TokenizerFiles.of(instructions.bpe()));
                gpt.save(into.resolve(HuggingFaceFormat.WEIGHTS));
            });
        }
        Checkpoint fact = new Checkpoint(
                id + "-000001",
                "reward",
                Stage.REWARD,
                policy,
                id,
                "test",
                1,
                dataset.id(),
                dataset.tokenizerSha256(),
                folder.path(),
                folder.sha256(),
                Map.of(),
                Instant.now());
        corpus.send(Topics.CHECKPOINTS.name(), fact.id(), fact);
        await().atMost(SOON)
                .until(() -> when().get("/v1/checkpoints/" + fact.id()).statusCode() == 200);
        return fact.id();
    }

    /** The one that a run announced. */
    private static JsonPath checkpoint(String run) {
        List<JsonPath> announced = announced(run);
        assertThat(announced).hasSize(1);
        return announced.get(0);
    }

    private static List<JsonPath> announced(String run) {
        return when()
                .get("/v1/checkpoints")
                .jsonPath()
                .getList("data.findAll { it.run == '" + run + "' }.id", String.class)
                .stream()
                .map(id -> when().get("/v1/checkpoints/" + id).jsonPath())
                .toList();
    }

    /** Makes the run another's who is gone already. */
    private void takeAway(String run) {
        QuarkusTransaction.requiringNew().run(() -> database.createNativeQuery(
                        "update {h-schema}run set fence = fence + 1, lease_until = null, lease_owner = null where id = :run")
                .setParameter("run", run)
                .executeUpdate());
    }
}

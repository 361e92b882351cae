package io.bardstream.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import io.bardstream.checkpoint.HuggingFaceFormat;
import io.bardstream.event.Hyperparameters;
import io.bardstream.gpt.Dropout;
import io.bardstream.gpt.ForwardPass;
import io.bardstream.gpt.Gpt;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.Precision;
import io.bardstream.train.EpochOrder;
import io.bardstream.train.Objective;
import io.bardstream.train.Response;
import io.bardstream.train.Rollout;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** PPO of a very small policy against a judge made by hand. */
class PpoTest {
    private static final long SEED = 5;

    @TempDir
    static Path folder;

    private static Compute compute;
    private static Path parent;

    @BeforeAll
    static void pretrain() throws IOException {
        compute = Compute.open(Precision.FLOAT32, 1);
        parent = TinyPolicy.pretrained(folder.resolve("parent"), compute);
    }

    @AfterAll
    static void close() {
        compute.close();
    }

    private static Ppo ppo(PpoModels models, Hyperparameters settings, double beta) {
        Rollout rollout = new Rollout(
                TinyPolicy.TOKENIZER,
                settings.ppo().temperature(),
                settings.ppo().responseLength());
        EpochOrder<int[]> prompts = new EpochOrder<>(TinyPolicy.prompts(), SEED);
        return new Ppo(models, TinyPolicy::thous, prompts, rollout, settings, SEED, beta);
    }

    private static PpoModels begin(Hyperparameters settings) throws IOException {
        return begin(compute, settings);
    }

    private static PpoModels begin(Compute compute, Hyperparameters settings) throws IOException {
        return PpoModels.begin(parent, parent, compute, settings, SEED);
    }

    private static Map<String, Double> update(Ppo ppo, int number, Hyperparameters settings) {
        Ppo.Look look = ppo.look(number);
        Map<String, Double> measured = new TreeMap<>(look.measured());
        measured.putAll(
                ppo.learn(number, look, settings.learningRate(), settings.ppo().criticLearningRate())
                        .measured());
        return measured;
    }

    @Test
    void theJudgesWordBecomesMoreFrequentAndTheKlStaysBounded() throws IOException {
        // Given a policy that says twelve words about equally often
        Hyperparameters settings = TinyPolicy.settings(Map.of());
        List<Map<String, Double>> measured = new ArrayList<>();
        try (PpoModels models = begin(settings)) {
            Ppo ppo = ppo(models, settings, settings.ppo().klCoefficient());

            // When it is trained for the share of one of them
            for (int update = 0; update < settings.steps(); update++) {
                measured.add(update(ppo, update, settings));
            }
        }

        // Then before the first step it was its reference, to the bit, and its first ratio 1
        Map<String, Double> first = measured.get(0);
        assertThat(first.get("objective/kl")).isZero();
        assertThat(first.get("objective/kl_k3")).isZero();
        assertThat(measured.get(1).get(Ppo.FIRST_RATIO)).isCloseTo(1, within(1e-5));

        // And the price of KL moved as soon as the policy did
        assertThat(measured.subList(0, 3)).allSatisfy(update -> assertThat(update.get("objective/kl_coef"))
                .isEqualTo(settings.ppo().klCoefficient()));
        assertThat(measured.get(3).get("objective/kl_coef"))
                .isNotEqualTo(settings.ppo().klCoefficient());

        // And the word became more frequent by much, at a KL below the ceiling and with its end still known
        Map<String, Double> last = measured.get(measured.size() - 1);
        assertThat(last.get("objective/scores")).isGreaterThan(2 * first.get("objective/scores") + 1);
        assertThat(last.get("objective/kl")).isBetween(0.1, settings.ppo().klCeiling());
        PpoGuards guards = new PpoGuards(settings.ppo());
        last.put(PpoGuards.FIRST + PpoGuards.ENTROPY, first.get(PpoGuards.ENTROPY));
        last.put(PpoGuards.FIRST + PpoGuards.LENGTH, first.get(PpoGuards.LENGTH));
        last.put(PpoGuards.FIRST + PpoGuards.DISTINCT, 0.0);
        assertThat(guards.looked(last)).isEmpty();
        assertThat(guards.learned(last)).isEmpty();
    }

    @Test
    void policyAndCriticLearnTheSameBitsAtOnceAndInTurn() throws IOException {
        List<Map<String, Double>> inTurn = updates(compute);
        List<Map<String, Double>> atOnce;
        try (Compute two = Compute.openForSeveral(Precision.FLOAT32, 2, 1)) {
            atOnce = updates(two);
        }

        assertThat(atOnce).isEqualTo(inTurn);
    }

    /** What four updates measure, of which two move the policy. */
    private static List<Map<String, Double>> updates(Compute compute) throws IOException {
        Hyperparameters settings = TinyPolicy.settings(Map.of());
        List<Map<String, Double>> measured = new ArrayList<>();
        try (PpoModels models = begin(compute, settings)) {
            Ppo ppo = ppo(models, settings, settings.ppo().klCoefficient());
            for (int update = 0; update < 4; update++) {
                measured.add(update(ppo, update, settings));
            }
        }
        return measured;
    }

    /** All layers learn, or the upper one of two. */
    @ParameterizedTest
    @ValueSource(ints = {-1, 1})
    void whatIsLoadedGoesOnAsWhatWasSaved(int unfrozen) throws IOException {
        // Given a run saved after its second update
        Hyperparameters settings = TinyPolicy.settings(Map.of("num_layers_unfrozen", unfrozen));
        Path checkpoint = Files.createDirectories(folder.resolve("checkpoint" + unfrozen));
        double beta;
        Map<String, Double> third;
        float[] weights;
        try (PpoModels models = begin(settings)) {
            Ppo ppo = ppo(models, settings, settings.ppo().klCoefficient());
            update(ppo, 0, settings);
            update(ppo, 1, settings);
            models.save(checkpoint);
            Files.copy(parent.resolve(HuggingFaceFormat.CONFIG), checkpoint.resolve(HuggingFaceFormat.CONFIG));
            beta = ppo.beta();
            third = update(ppo, 2, settings);
            weights = models.policy().weights().masters().toFloatArray();
        }

        // When it is loaded, then its third update is the same to the bit
        try (PpoModels models = PpoModels.resume(checkpoint, parent, parent, compute, settings, SEED)) {
            Ppo ppo = ppo(models, settings, beta);
            assertThat(update(ppo, 2, settings)).isEqualTo(third);
            assertThat(models.policy().weights().masters().toFloatArray()).isEqualTo(weights);
        }
    }

    @Test
    void whereUpperLayersLearnTheOthersAreTheReferencesAndTheCheckpointIsWhole() throws IOException {
        Hyperparameters settings = TinyPolicy.settings(Map.of("num_layers_unfrozen", 1, "critic_warmup", 0));
        Path checkpoint = Files.createDirectories(folder.resolve("branch"));
        Files.copy(parent.resolve(HuggingFaceFormat.CONFIG), checkpoint.resolve(HuggingFaceFormat.CONFIG));

        // When the upper of two layers has learned, in micro-batches that keep their activations or compute them again
        float[][] upper = new float[2][];
        for (int i = 0; i < 2; i++) {
            Hyperparameters run = settings.with(Map.of("activation_recomputation", i == 1));
            try (PpoModels models = begin(run)) {
                Ppo ppo = ppo(models, run, 0.1);
                assertThat(update(ppo, 0, run).get("objective/kl")).isZero();
                assertThat(update(ppo, 1, run).get("objective/kl_k3")).isPositive();
                upper[i] = models.policy().weights().masters().toFloatArray();
                if (i == 0) {
                    models.save(checkpoint);
                }
            }
        }

        // Then both did alike, and of the checkpoint's weights those of that layer and the last norm differ, and no
        // others
        assertThat(upper[1]).isEqualTo(upper[0]);
        try (Gpt before = Gpt.load(parent, compute);
                Gpt after = Gpt.load(checkpoint, compute)) {
            before.parameters().forEach((name, weights) -> {
                boolean learned = name.startsWith("transformer.h.1.") || name.startsWith("transformer.ln_f.");
                boolean equal = Arrays.equals(after.parameters().get(name).toFloatArray(), weights.toFloatArray());
                assertThat(equal).as(name).isEqualTo(!learned);
            });
        }
    }

    @Test
    void responsesDependOnTheirPromptAndNumberAndNotOnTheOthers() throws IOException {
        try (Gpt policy = Gpt.load(parent, compute)) {
            // Given more prompts than are answered at once
            Rollout rollout = new Rollout(TinyPolicy.TOKENIZER, 1, 14);
            List<int[]> prompts = new EpochOrder<>(TinyPolicy.prompts(), SEED).draw(0, Rollout.SLOTS + 30);

            List<Response> all = rollout.sample(policy, prompts, 9);

            assertThat(all).hasSameSizeAs(prompts).allSatisfy(response -> {
                int end = TinyPolicy.TOKENIZER.endOfText();
                int last = response.tokens()[response.tokens().length - 1];
                assertThat(response.ended()).isEqualTo(last == end);
                assertThat(response.said()).doesNotContain(end);
                assertThat(response.tokens()).hasSizeLessThanOrEqualTo(14);
            });

            // When every third of them is another, and longer, so that slots become free at other times
            List<int[]> others = new ArrayList<>(prompts);
            for (int i = 0; i < others.size(); i += 3) {
                others.set(i, new Response(prompts.get(i), prompts.get(i), false).text());
            }
            List<Response> again = rollout.sample(policy, others, 9);

            // Then the answers to those that stayed are the same
            for (int i = 0; i < all.size(); i++) {
                assertThat(again.get(i).prompt()).isEqualTo(others.get(i));
                if (i % 3 != 0) {
                    assertThat(again.get(i).tokens()).isEqualTo(all.get(i).tokens());
                }
            }
            assertThat(again.get(0).tokens()).isNotEqualTo(all.get(0).tokens());
            assertThat(rollout.sample(policy, prompts, 10).get(1).tokens())
                    .isNotEqualTo(all.get(1).tokens());
        }
    }

    @Test
    void gradientsOfBothObjectivesAreTheSlopesOfTheirLosses() throws IOException {
        // Given responses, and old numbers that differ from what the models say now, so that some tokens are clipped
        try (Gpt gpt = Gpt.loadWithScalarHead(parent, compute)) {
            gpt.scalarHead().draw(3);
            gpt.weights().train(Precision.FLOAT32);
            List<Response> responses = List.of(
                    new Response(new int[] {1, 2}, new int[] {7, 8, 9}, false),
                    new Response(new int[] {3}, new int[] {5, TinyPolicy.TOKENIZER.endOfText()}, true));
            ResponseRows rows = ResponseRows.of(responses, 6);
            float[][] now = Experience.seen(gpt, List.of(rows), 0.8).logprobs();
            float[] old = {now[0][0] - 0.5f, now[0][1], now[0][2] + 0.1f, now[1][0] - 0.1f, now[1][1] + 0.4f};
            float[] advantages = {1, -1, 0.5f, 2, -0.3f};

            assertSlope(gpt, new PolicyObjective(rows, old, advantages, 0.2, 0.8), 2);
            assertSlope(gpt, new ValueObjective(rows, new float[5], advantages, 10, 0.1), 2);
        }
    }

    private static void assertSlope(Gpt gpt, Objective objective, double scale) {
        gpt.weights().clearGradients();
        loss(gpt, objective, scale);
        NDArray weight = gpt.weights().get("transformer.h.1.mlp.c_fc.weight").master();
        NDArray gradient =
                gpt.weights().get("transformer.h.1.mlp.c_fc.weight").gradient().duplicate();
        float norm = (float) Math.sqrt(gradient.square().sum().getFloat());
        NDArray direction = gradient.mul(2e-3f / norm);
        weight.addi(direction);
        double up = loss(gpt, objective, scale);
        weight.subi(direction).subi(direction);
        double down = loss(gpt, objective, scale);
        weight.addi(direction);
        assertThat(norm).isGreaterThan(1e-4f);
        assertThat(scale * (up - down) / 4e-3).isCloseTo(norm, within(0.02 * norm));
    }

    private static double loss(Gpt gpt, Objective objective, double scale) {
        try (ForwardPass pass = ForwardPass.training(gpt.compute(), Dropout.NONE)) {
            NDArray hidden = gpt.forward(objective.tokens(pass), pass);
            Objective.Outcome outcome = objective.apply(gpt, hidden, scale, pass);
            gpt.backward(outcome.dHidden(), pass);
            return outcome.loss().getFloat();
        }
    }
}

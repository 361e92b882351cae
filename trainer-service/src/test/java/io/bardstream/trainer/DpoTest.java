package io.bardstream.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.bardstream.event.DpoSettings;
import io.bardstream.event.Hyperparameters;
import io.bardstream.gpt.Gpt;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.Precision;
import io.bardstream.train.EpochOrder;
import io.bardstream.train.Response;
import io.bardstream.train.Rollout;
import io.bardstream.train.StepResult;
import io.bardstream.train.TrainStep;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** DPO of a very small policy on pairs of its own responses, judged by one word. */
class DpoTest {
    private static final long SEED = 5;
    private static final int STEPS = 40;

    @TempDir
    Path folder;

    @Test
    void thePolicyComesToPreferWhatPeoplePreferred() throws IOException {
        Hyperparameters settings = Hyperparameters.DEFAULTS
                .with(Map.of(
                        "optimizer",
                        "adamw",
                        "learning_rate",
                        1e-3,
                        "batch_size",
                        8,
                        "gradient_accumulation",
                        1,
                        "weight_decay",
                        0,
                        "dtype",
                        "float32"))
                .with(DpoSettings.DEFAULTS);
        Path parent;
        List<JudgedResponses> pairs;
        try (Compute compute = Compute.open(Precision.FLOAT32, 1)) {
            // Given a policy, and pairs of its responses of which one says "thou" more often
            parent = TinyPolicy.pretrained(folder.resolve("parent"), compute);
            try (Gpt policy = Gpt.load(parent, compute)) {
                pairs = judged(policy);
            }
            assertThat(pairs).hasSizeGreaterThan(40);
            FrozenPolicy reference = FrozenPolicy.load(parent, Precision.FLOAT32, 1);
            try (Dpo dpo = new Dpo(
                            settings,
                            pairs.subList(16, pairs.size()),
                            pairs.subList(0, 16),
                            TinyPolicy.TOKENIZER,
                            reference,
                            SEED);
                    Gpt policy = Gpt.load(parent, compute);
                    TrainStep step = TrainStep.of(policy, settings, SEED)) {
                // When it learns from them
                Task.Validation before = dpo.validate(policy);
                List<Double> losses = new ArrayList<>();
                for (int i = 0; i < STEPS; i++) {
                    StepResult result = step.advance(i, settings.learningRate(), List.of(dpo.microBatch(i, 0)));
                    losses.add(result.loss());
                }
                Task.Validation after = dpo.validate(policy);

                // Then the loss began at ln 2, on both sides, and fell on pairs it has not seen
                assertThat(losses.get(0)).isCloseTo(Math.log(2), within(1e-5));
                assertThat(before.loss()).isCloseTo(Math.log(2), within(1e-5));
                assertThat(before.more().get("objective/kl")).isCloseTo(0, within(1e-4));
                assertThat(after.loss()).isLessThan(0.66);
                assertThat(after.more().get("rewards/accuracies")).isGreaterThan(0.6);
                assertThat(after.more().get("objective/kl")).isBetween(0.05, 40.0);
            }
        }
    }

    private static List<JudgedResponses> judged(Gpt policy) {
        List<int[]> prompts = new EpochOrder<>(TinyPolicy.prompts(), SEED).draw(0, 96);
        Rollout rollout = new Rollout(TinyPolicy.TOKENIZER, 1, 14);
        List<Response> first = rollout.sample(policy, prompts, 1);
        List<Response> second = rollout.sample(policy, prompts, 2);
        List<JudgedResponses> pairs = new ArrayList<>();
        for (int i = 0; i < prompts.size(); i++) {
            double[] scores = TinyPolicy.thous(
                    List.of(first.get(i).judged(), second.get(i).judged()));
            if (scores[0] != scores[1]) {
                pairs.add(new JudgedResponses(first.get(i), second.get(i), scores[0] > scores[1] ? 1 : 0));
            }
        }
        return pairs;
    }
}

package io.bardstream.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.bardstream.event.Hyperparameters;
import io.bardstream.gpt.Gpt;
import io.bardstream.gpt.GptConfig;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.Precision;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** bfloat16 is the default where there is hardware for it, so it must learn as float32 does. */
class PrecisionTest {
    private static final int STEPS = 150;
    private static final int CONTEXT = 64;
    private static final GptConfig MODEL = new GptConfig(2, 4, 64, CONTEXT, 128);

    private static final String[] SUBJECTS = {"the king", "my lord", "a fool", "the queen", "thy brother", "no man"};
    private static final String[] VERBS = {"loves", "fears", "hath seen", "will follow", "speaks of", "forgets"};
    private static final String[] OBJECTS = {"the crown", "a sword", "his honour", "the night", "sweet music", "death"};

    @Test
    void bothPrecisionsReachTheSameValidationLossWithinAPercent() {
        TokenSource training = text(40_000, 1);
        TokenSource validation = text(6_000, 2);

        double float32 = validationLoss(Precision.FLOAT32, training, validation);
        double bfloat16 = validationLoss(Precision.BFLOAT16, training, validation);

        assertThat(float32).isLessThan(1.0); // it began at ln 128 = 4.85
        assertThat(bfloat16).isCloseTo(float32, within(0.01 * float32)).isNotEqualTo(float32);
    }

    private static double validationLoss(Precision precision, TokenSource training, TokenSource validation) {
        Hyperparameters run = Hyperparameters.DEFAULTS.with(Map.of(
                "optimizer",
                "muon",
                "learning_rate",
                1e-2,
                "schedule",
                "linear",
                "min_learning_rate",
                0,
                "warmup_steps",
                10,
                "steps",
                STEPS,
                "gradient_accumulation",
                1));
        LrSchedule schedule = LrSchedule.of(run);
        TokenSampler windows = new TokenSampler(training, CONTEXT, 8, 1);
        try (Compute compute = Compute.open(precision, 1);
                Gpt gpt = Gpt.initialise(MODEL, compute, 1);
                TrainStep step = TrainStep.of(gpt, run, 1)) {
            for (int i = 0; i < STEPS; i++) {
                step.step(i, schedule.at(i), List.of(windows.batch(i, 0)));
            }
            return Evaluation.evaluate(gpt, validation, CONTEXT, 8, 0).loss();
        }
    }

    /** Sentences of a small grammar, a token a character. */
    private static TokenSource text(int length, long seed) {
        Random random = new Random(seed);
        StringBuilder text = new StringBuilder();
        while (text.length() < length) {
            text.append(SUBJECTS[random.nextInt(SUBJECTS.length)])
                    .append(' ')
                    .append(VERBS[random.nextInt(VERBS.length)])
                    .append(' ')
                    .append(OBJECTS[random.nextInt(OBJECTS.length)])
                    .append(random.nextInt(4) == 0 ? "!\n" : ".\n");
        }
        byte[] bytes = text.toString().getBytes(StandardCharsets.US_ASCII);
        int[] tokens = new int[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            tokens[i] = bytes[i];
        }
        return TokenSource.of(tokens);
    }
}

package io.bardstream.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.bardstream.event.Hyperparameters;
import io.bardstream.gpt.Gpt;
import io.bardstream.gpt.GptConfig;
import io.bardstream.kernel.Compute;
import io.bardstream.tokenizer.BpeTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * GPT-2 small from random weights on Shakespeare, with GPT-2's own vocabulary. It prints the curve; how far it comes is
 * a matter of patience ({@code -Dbardstream.acceptance.steps}, 200 unless told otherwise). The text is that of {@code
 * BARDSTREAM_TINYSHAKESPEARE}, or else the bundled one.
 */
@Tag("acceptance")
class Gpt2FromScratchTest {
    private static final int STEPS = Integer.getInteger("bardstream.acceptance.steps", 200);
    private static final Path BUNDLED = Path.of("../tokenizer-service/src/main/resources/corpus/shakespeare.txt");
    private static final int ROWS = 2;
    private static final int TIME = 256;
    private static final int MEAN_OF = 10;

    @Test
    void learnsShakespeare() throws IOException {
        Path file = Optional.ofNullable(System.getenv("BARDSTREAM_TINYSHAKESPEARE"))
                .map(Path::of)
                .orElse(BUNDLED);
        BpeTokenizer tokenizer = BpeTokenizer.gpt2();
        int[] tokens = tokenizer.encode(Files.readString(file));
        int held = tokens.length / 10;
        TokenSource training = TokenSource.of(Arrays.copyOf(tokens, tokens.length - held));
        TokenSource validation = TokenSource.of(Arrays.copyOfRange(tokens, tokens.length - held, tokens.length));
        Hyperparameters settings = Hyperparameters.DEFAULTS.with(Map.of(
                "optimizer",
                "adamw",
                "learning_rate",
                3e-4,
                "warmup_steps",
                50,
                "steps",
                STEPS,
                "batch_size",
                ROWS,
                "context_length",
                TIME,
                "gradient_accumulation",
                1));
        LrSchedule schedule = LrSchedule.of(settings);
        TokenSampler windows = new TokenSampler(training, TIME, ROWS, 1);
        GptConfig config = new GptConfig(12, 12, 768, TIME, tokenizer.vocabularySize());
        double[] losses = new double[STEPS];
        double before;
        double after;
        try (Compute compute = Compute.open(Compute.preferredPrecision());
                Gpt gpt = Gpt.initialise(config, compute, 1);
                TrainStep step = TrainStep.of(gpt, settings, 1)) {
            before = validation(gpt, validation);
            for (int i = 0; i < STEPS; i++) {
                losses[i] = step.step(i, schedule.at(i), List.of(windows.batch(i, 0)))
                        .loss();
                if ((i + 1) % MEAN_OF == 0) {
                    System.out.printf("step %d: loss %.3f%n", i + 1, mean(losses, i + 1));
                }
            }
            after = validation(gpt, validation);
        }
        System.out.printf("validation: %.3f, %.3f%n", before, after);

        assertThat(before).isBetween(10.5, 11.2); // ln V is 10.82
        assertThat(mean(losses, STEPS)).isLessThan(6.5);
        assertThat(after).isLessThan(7);
    }

    private static double validation(Gpt gpt, TokenSource split) {
        return Evaluation.evaluate(gpt, split, TIME, ROWS, 20).loss();
    }

    private static double mean(double[] losses, int end) {
        return Arrays.stream(losses, end - MEAN_OF, end).average().orElseThrow();
    }
}

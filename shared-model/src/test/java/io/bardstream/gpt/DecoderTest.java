package io.bardstream.gpt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDManager;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.Precision;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class DecoderTest {
    private static final GptConfig SMALL = new GptConfig(2, 2, 16, 40, 23);

    /** More than two blocks of 256 positions, the last one not full. */
    private static final GptConfig LONG = new GptConfig(2, 2, 8, 600, 11);

    @TempDir
    Path folder;

    static Stream<Arguments> shapes() {
        return Stream.of(
                Arguments.of(SMALL, 9, 31),
                Arguments.of(new GptConfig(1, 3, 9, 100, 7), 99, 1),
                Arguments.of(new GptConfig(3, 1, 5, 17, 2), 1, 16),
                Arguments.of(LONG, 250, 20),
                Arguments.of(LONG, 500, 100));
    }

    @ParameterizedTest
    @MethodSource("shapes")
    void cachedLogitsEqualThoseOfTheFormula(GptConfig config, int promptLength, int steps) throws IOException {
        GptInJava formula = new GptInJava(config, 5);
        int[] tokens = tokens(config, promptLength + steps, 1);
        double[][] expected = formula.logits(tokens);
        try (Compute compute = Compute.open(Precision.FLOAT32, 1);
                Decoder decoder = Decoder.load(formula.save(folder), compute, 3)) {
            decoder.begin(1, Arrays.copyOf(tokens, promptLength));

            assertClose(decoder.prefill(1), expected[promptLength - 1], 1e-4);
            for (int i = promptLength; i < tokens.length; i++) {
                assertClose(decoder.step(Decoder.NONE, tokens[i], Decoder.NONE)[1], expected[i], 1e-4);
            }
        }
    }

    @Test
    void logitsAfterEveryTokenOfThePromptAreThere() throws IOException {
        GptInJava formula = new GptInJava(LONG, 5);
        int[] tokens = tokens(LONG, 100, 2);
        double[][] expected = formula.logits(tokens);
        try (Compute compute = Compute.open(Precision.FLOAT32, 1);
                Decoder decoder = Decoder.load(formula.save(folder), compute, 2)) {
            decoder.begin(0, tokens);

            Decoder.Piece first = decoder.prefill(0, true);
            Decoder.Piece second = decoder.prefill(0, true);

            assertThat(first.next()).isNull();
            assertThat(first.after().length + second.after().length).isEqualTo(100);
            assertClose(first.after()[63], expected[63], 1e-4);
            assertClose(second.after()[0], expected[64], 1e-4);
            assertClose(second.next(), expected[99], 1e-4);
        }
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void itContinuesAModelInTrainingAsThatModelWould(Precision precision) {
        try (Compute compute = Compute.open(precision, 1);
                Gpt gpt = Gpt.initialise(SMALL, compute, 3);
                Decoder decoder = Decoder.of(gpt, 2);
                ForwardPass pass = ForwardPass.inference(compute)) {
            int[] tokens = tokens(SMALL, 12, 8);
            float[] expected = gpt.logits(gpt.forward(Gpt.tokens(pass, 1, 12, tokens), pass))
                    .toFloatArray();

            decoder.begin(0, Arrays.copyOf(tokens, 11));
            decoder.prefill(0);
            float[] actual = decoder.step(tokens[11], Decoder.NONE)[0];

            int last = 11 * SMALL.vocabularySize();
            for (int i = 0; i < actual.length; i++) {
                assertThat(actual[i])
                        .isCloseTo(expected[last + i], within(precision == Precision.FLOAT32 ? 1e-5f : 2e-3f));
            }
        }
    }

    @Test
    void bfloat16StaysNearFloat32() throws IOException {
        GptInJava formula = new GptInJava(SMALL, 6);
        int[] tokens = tokens(SMALL, 30, 3);
        double[][] expected = formula.logits(tokens);
        try (Compute compute = Compute.open(Precision.BFLOAT16, 1);
                Decoder decoder = Decoder.load(formula.save(folder), compute, 2)) {
            decoder.begin(0, Arrays.copyOf(tokens, 20));
            decoder.prefill(0);

            for (int i = 20; i < 30; i++) {
                // Logits here have a standard deviation near 1; bfloat16 keeps 8 bits of each product's inputs.
                assertClose(decoder.step(tokens[i], Decoder.NONE)[0], expected[i], 0.15);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void aSlotAnswersTheSameToTheLastBitWhateverTheOthersHold(Precision precision) throws IOException {
        Path weights = new GptInJava(LONG, 7).save(folder);
        int[] tokens = tokens(LONG, 330, 4);
        try (Compute compute = Compute.open(precision, 1)) {
            float[][] alone = answers(weights, compute, tokens, 240, new int[0]);
            float[][] besideShort = answers(weights, compute, tokens, 240, new int[] {3, 17, 64});
            float[][] besideLong = answers(weights, compute, tokens, 240, new int[] {500, 300, 255});

            assertThat(besideShort).isDeepEqualTo(alone);
            assertThat(besideLong).isDeepEqualTo(alone);
        }
    }

    /** The answers of slot 0 to a prompt and the tokens after it, beside slots with prompts of these lengths. */
    private static float[][] answers(Path weights, Compute compute, int[] tokens, int prompt, int[] others)
            throws IOException {
        try (Decoder decoder = Decoder.load(weights, compute, 4)) {
            for (int i = 0; i < others.length; i++) {
                decoder.begin(i + 1, tokens(LONG, others[i], 100 + i));
                decoder.prefill(i + 1);
            }
            decoder.begin(0, Arrays.copyOf(tokens, prompt));
            float[][] answers = new float[tokens.length - prompt + 1][];
            answers[0] = decoder.prefill(0);
            Random random = new Random(others.length);
            for (int i = prompt; i < tokens.length; i++) {
                int[] next = {tokens[i], Decoder.NONE, Decoder.NONE, Decoder.NONE};
                for (int other = 1; other <= others.length; other++) {
                    next[other] = random.nextInt(4) == 0 ? Decoder.NONE : random.nextInt(LONG.vocabularySize());
                }
                answers[i - prompt + 1] = decoder.step(next)[0];
            }
            return answers;
        }
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void aPromptAmongOthersAnswersTheSameToTheLastBitWhateverTheyAreAndHowMuchRoomThereIs(Precision precision)
            throws IOException {
        Path weights = new GptInJava(LONG, 7).save(folder);
        int[] prompt = tokens(LONG, 150, 4);
        try (Compute compute = Compute.open(precision, 1);
                Gpt gpt = Gpt.load(weights, compute)) {
            float[][] alone = together(gpt, 160, prompt, 0);
            float[][] besideShort = together(gpt, 170, prompt, 11, 3, 17, 64, 1, 9);
            float[][] besideLong = together(gpt, 600, prompt, 5, 150, 500, 149, 160, 150, 140, 155, 133, 150, 151);

            assertThat(besideShort).isDeepEqualTo(alone);
            assertThat(besideLong).isDeepEqualTo(alone);
        }
    }

    /** What follows a prompt in a slot, when it and prompts of these lengths in the other slots are computed together. */
    private static float[][] together(Gpt gpt, int room, int[] prompt, int slot, int... others) {
        int slots = 12;
        try (Decoder decoder = Decoder.of(gpt, slots, room)) {
            decoder.begin(slot, prompt);
            int[] chosen = new int[others.length + 1];
            chosen[others.length] = slot;
            for (int i = 0; i < others.length; i++) {
                chosen[i] = (slot + 1 + i) % slots;
                decoder.begin(chosen[i], tokens(LONG, others[i], 100 + i));
            }
            float[] next = decoder.prefillTogether(chosen)[others.length];
            int[] tokens = new int[slots];
            Arrays.fill(tokens, Decoder.NONE);
            tokens[slot] = 3;
            return new float[][] {next, decoder.step(tokens)[slot]};
        }
    }

    @Test
    void promptsComputedTogetherFollowTheFormula() throws IOException {
        GptInJava formula = new GptInJava(LONG, 5);
        try (Compute compute = Compute.open(Precision.FLOAT32, 1);
                Gpt gpt = Gpt.load(formula.save(folder), compute);
                Decoder decoder = Decoder.of(gpt, 3, 200)) {
            int[][] texts = {tokens(LONG, 12, 1), tokens(LONG, 200, 2), tokens(LONG, 70, 3)};
            for (int slot = 0; slot < 3; slot++) {
                decoder.begin(slot, Arrays.copyOf(texts[slot], texts[slot].length - 1));
            }

            float[][] next = decoder.prefillTogether(0, 1, 2);
            float[][] after = decoder.step(texts[0][11], texts[1][199], texts[2][69]);

            for (int slot = 0; slot < 3; slot++) {
                double[][] expected = formula.logits(texts[slot]);
                assertClose(next[slot], expected[expected.length - 2], 1e-4);
                assertClose(after[slot], expected[expected.length - 1], 1e-4);
            }
            assertThat(decoder.full(1)).isTrue();
            assertThatThrownBy(() -> decoder.begin(0, new int[201]))
                    .hasMessage("the prompt has 201 tokens; expected 1 to 200");
        }
    }

    @Test
    void aSlotUsedAgainAnswersAsIfNew() throws IOException {
        Path weights = new GptInJava(SMALL, 8).save(folder);
        try (Compute compute = Compute.open(Precision.FLOAT32, 1);
                Decoder decoder = Decoder.load(weights, compute, 1)) {
            decoder.begin(0, 1, 2, 3);
            float[] prompt = decoder.prefill(0);
            float[] step = decoder.step(4)[0];
            decoder.begin(0, tokens(SMALL, 40, 5));
            decoder.prefill(0);
            decoder.free(0);

            decoder.begin(0, 1, 2, 3);

            assertThat(decoder.prefill(0)).containsExactly(prompt);
            assertThat(decoder.step(4)[0]).containsExactly(step);
        }
    }

    @Test
    void aPromptMayBeComputedBetweenTheStepsOfOthers() throws IOException {
        Path weights = new GptInJava(LONG, 9).save(folder);
        int[] prompt = tokens(LONG, 150, 6);
        try (Compute compute = Compute.open(Precision.FLOAT32, 1);
                Decoder decoder = Decoder.load(weights, compute, 2)) {
            decoder.begin(0, prompt);
            float[] undisturbed = decoder.prefill(0);
            decoder.begin(1, 1, 2);
            decoder.prefill(1);

            decoder.begin(0, prompt);
            float[] disturbed = null;
            while (disturbed == null) {
                disturbed = decoder.prefill(0, false).next();
                decoder.step(Decoder.NONE, 3);
            }

            assertThat(disturbed).containsExactly(undisturbed);
            assertThat(decoder.step(4, Decoder.NONE)[0]).isNotNull();
        }
    }

    @Test
    void aFullContextTakesNoFurtherTokenAndTheOthersGoOn() throws IOException {
        Path weights = new GptInJava(SMALL, 10).save(folder);
        try (Compute compute = Compute.open(Precision.FLOAT32, 1);
                Decoder decoder = Decoder.load(weights, compute, 2)) {
            decoder.begin(0, tokens(SMALL, 40, 7));
            decoder.prefill(0);
            decoder.begin(1, 1);
            decoder.prefill(1);

            assertThat(decoder.full(0)).isTrue();
            assertThat(decoder.full(1)).isFalse();
            assertThatThrownBy(() -> decoder.step(1, 1))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("slot 0 holds 40 tokens, all that it has room for");
            assertThat(decoder.step(Decoder.NONE, 1)[1]).hasSize(23);
            assertThat(decoder.length(1)).isEqualTo(2);
        }
    }

    @Test
    void wrongUseIsRefusedBeforeAnythingIsComputed() throws IOException {
        Path weights = new GptInJava(SMALL, 11).save(folder);
        try (Compute compute = Compute.open(Precision.FLOAT32, 1);
                Decoder decoder = Decoder.load(weights, compute, 1)) {
            assertThatThrownBy(() -> decoder.begin(0, new int[41]))
                    .hasMessage("the prompt has 41 tokens; expected 1 to 40");
            assertThatThrownBy(() -> decoder.begin(0, 23)).hasMessage("token 23 is not in the vocabulary of 23");
            assertThatThrownBy(() -> decoder.step(1)).hasMessage("slot 0 got a token before its prompt was computed");
            assertThatThrownBy(() -> decoder.step(1, 2)).hasMessage("got 2 tokens for 1 slots");
        }
    }

    @Test
    void noArrayIsLeftBehindInAThousandSteps() throws IOException {
        Path weights = new GptInJava(SMALL, 12).save(folder);
        try (Compute compute = Compute.open(Precision.FLOAT32, 1);
                Decoder decoder = Decoder.load(weights, compute, 2)) {
            run(decoder, 50);
            int before = arrays(compute.manager());

            run(decoder, 1_000);

            assertThat(arrays(compute.manager())).isEqualTo(before).isPositive();
        }
    }

    private static void run(Decoder decoder, int steps) {
        decoder.begin(0, 1, 2, 3);
        decoder.prefill(0);
        for (int i = 0; i < steps; i++) {
            if (decoder.full(0)) {
                decoder.begin(0, 1, 2, 3);
                decoder.prefill(0);
            }
            decoder.step(i % 23, Decoder.NONE);
        }
    }

    private static int arrays(NDManager manager) {
        return manager.getManagedArrays().size();
    }

    private static int[] tokens(GptConfig config, int count, long seed) {
        return new Random(seed).ints(count, 0, config.vocabularySize()).toArray();
    }

    private static void assertClose(float[] actual, double[] expected, double tolerance) {
        assertThat(actual).hasSize(expected.length);
        for (int i = 0; i < expected.length; i++) {
            assertThat((double) actual[i]).as("logit of token %d", i).isCloseTo(expected[i], within(tolerance));
        }
    }
}

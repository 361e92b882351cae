package io.bardstream.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import io.bardstream.checkpoint.HuggingFaceFormat;
import io.bardstream.checkpoint.ModelConfig;
import io.bardstream.gpt.Dropout;
import io.bardstream.gpt.ForwardPass;
import io.bardstream.gpt.Gpt;
import io.bardstream.gpt.GptInJava;
import io.bardstream.gpt.Parameter;
import io.bardstream.gpt.RewardModel;
import io.bardstream.gpt.Samples;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.Precision;
import io.bardstream.train.Pairwise.Pair;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The pairwise objective against formulas in double precision, worked numbers, and differences of losses. */
class PairwiseTest {
    private static final List<Pair> PAIRS = List.of(
            new Pair(text(5, 1), text(9, 2), 1, 1),
            new Pair(text(12, 3), text(7, 4), 0, 2),
            new Pair(text(4, 5), text(16, 6), 0.25, 4));

    @TempDir
    Path folder;

    @ParameterizedTest
    @CsvSource({
        "0,    1,    0.693147180559945",
        "0,    0.3,  0.693147180559945",
        "2,    1,    0.126928011042973", // ln(1 + e⁻²)
        "2,    0,    2.126928011042973",
        "-1,   0.75, 1.063261687518223", // 0.75·ln(1 + e) + 0.25·ln(1 + e⁻¹)
        "800,  0,    800",
        "-800, 1,    800"
    })
    void lossesAreThoseWorkedByHand(double difference, double preference, double loss) {
        assertThat(BradleyTerry.loss(difference, preference)).isCloseTo(loss, within(1e-12));
        assertThat(BradleyTerry.loss(-difference, 1 - preference)).isCloseTo(loss, within(1e-12));
    }

    @ParameterizedTest
    @CsvSource({"0, 1, -0.5", "0, 0, 0.5", "2, 1, -0.119202922022118", "-1, 0.75, -0.481058578630005"})
    void slopesAreThoseWorkedByHandAndDifferencesOfLosses(double difference, double preference, double slope) {
        double up = BradleyTerry.loss(difference + 1e-6, preference);
        double down = BradleyTerry.loss(difference - 1e-6, preference);

        assertThat(BradleyTerry.slope(difference, preference)).isCloseTo(slope, within(1e-12));
        assertThat((up - down) / 2e-6).isCloseTo(slope, within(1e-9));
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void lossIsThatOfTheFormulas(Precision precision) throws IOException {
        GptInJava formula = new GptInJava(Samples.SMALL, 7);
        try (Compute compute = Compute.open(precision, 1);
                Gpt gpt = Gpt.loadWithScalarHead(formula.save(folder), compute)) {
            gpt.weights().train(Precision.FLOAT32);
            float[] w = weight(32);
            gpt.scalarHead().set(w);

            double expected = 0;
            for (Pair pair : PAIRS) {
                double difference = score(formula, w, pair.first()) - score(formula, w, pair.second());
                expected += pair.weight() / 7 * BradleyTerry.loss(difference, pair.preference());
            }

            assertThat(backward(gpt)).isCloseTo(expected, within(precision == Precision.FLOAT32 ? 1e-5 : 0.05));
        }
    }

    @Test
    void gradientsPredictHowTheLossChanges() throws IOException {
        try (Compute compute = Compute.open(Precision.FLOAT32, 1);
                Gpt gpt = trainable(compute)) {
            gpt.scalarHead().set(weight(32));
            backward(gpt);
            for (Parameter parameter : gpt.weights().all()) {
                double norm = Math.sqrt(parameter.gradient().square().sum().getFloat());
                NDArray start = parameter.master().duplicate();
                NDArray direction = parameter.gradient().duplicate().mul((float) (2e-2 / norm)); // length 0.02

                compute.kernels().copy(parameter.master(), start.add(direction));
                double up = loss(gpt);
                compute.kernels().copy(parameter.master(), start.sub(direction));
                double down = loss(gpt);
                compute.kernels().copy(parameter.master(), start);

                assertThat((up - down) / 2 / 2e-2)
                        .as("slope of the loss along the gradient of " + parameter.name())
                        .isCloseTo(norm, within(0.01 * norm + 2e-5));
            }
        }
    }

    @Test
    void aHeadOfZerosStartsAtLn2() throws IOException {
        try (Compute compute = Compute.open(Precision.FLOAT32, 1);
                Gpt gpt = trainable(compute)) {
            assertThat(backward(gpt)).isCloseTo(Math.log(2), within(1e-6));
        }
    }

    @Test
    void stepsLearnWhichTokenIsPreferred() throws IOException {
        List<Pair> pairs = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            int[] plain = text(6 + i % 5, 100 + i);
            int[] thou = plain.clone();
            thou[2] = 49;
            pairs.add(i % 2 == 0 ? new Pair(thou, plain, 1, 1) : new Pair(plain, thou, 0, 1));
        }
        try (Compute compute = Compute.open(Precision.FLOAT32, 1);
                Gpt gpt = Gpt.loadWithScalarHead(new GptInJava(Samples.SMALL, 7).save(folder), compute);
                TrainStep step = new TrainStep(gpt, OptimizerSettings.adamw(), 0, 1)) {
            gpt.scalarHead().draw(3);

            double last = 0;
            for (int i = 0; i < 60; i++) {
                last = step.advance(i, 3e-3, List.of(Pairwise.of(pairs))).loss();
            }

            assertThat(last).isLessThan(0.1);
        }
    }

    @Test
    void aSavedHeadJudgesAsBefore() throws IOException {
        List<int[]> texts = PAIRS.stream()
                .flatMap(pair -> Stream.of(pair.first(), pair.second()))
                .toList();
        try (Compute compute = Compute.open(Precision.FLOAT32, 1);
                Gpt gpt = trainable(compute)) {
            gpt.scalarHead().draw(11);
            double[] before = RewardModel.scores(gpt, texts);
            Path saved = Files.createDirectory(folder.resolve("reward"));
            gpt.save(saved.resolve(HuggingFaceFormat.WEIGHTS));
            Files.writeString(
                    saved.resolve(HuggingFaceFormat.CONFIG),
                    HuggingFaceFormat.readConfig(folder)
                            .withReward(new ModelConfig.RewardScale(2, -0.5))
                            .toJson());

            try (RewardModel model = RewardModel.load(saved, compute)) {
                double[] rewards = model.rewards(texts);

                for (int i = 0; i < before.length; i++) {
                    assertThat(rewards[i]).isEqualTo(2 * before[i] - 0.5);
                }
                for (int i = 0; i < before.length; i++) {
                    assertThat(model.rewards(List.of(texts.get(i)))[0])
                            .as("text " + i + " alone, without filling")
                            .isCloseTo(rewards[i], within(1e-5));
                }
            }
            assertThat(Arrays.stream(before).distinct().count()).isEqualTo(6);
            assertThatThrownBy(() -> RewardModel.load(folder, compute)).hasMessageContaining("no reward_gain");
        }
    }

    private Gpt trainable(Compute compute) throws IOException {
        Gpt gpt = Gpt.loadWithScalarHead(new GptInJava(Samples.SMALL, 7).save(folder), compute);
        gpt.weights().train(Precision.FLOAT32);
        return gpt;
    }

    private static double backward(Gpt gpt) {
        gpt.weights().clearGradients();
        Pairwise objective = Pairwise.of(PAIRS);
        try (ForwardPass pass = ForwardPass.training(gpt.compute(), Dropout.NONE)) {
            NDArray hidden = gpt.forward(objective.tokens(pass), pass);
            Objective.Outcome outcome = objective.apply(gpt, hidden, 1, pass);
            gpt.backward(outcome.dHidden(), pass);
            return outcome.loss().getFloat();
        }
    }

    /** By the scores alone, which leaves the gradients as they are. */
    private static double loss(Gpt gpt) {
        double loss = 0;
        for (Pair pair : PAIRS) {
            double[] scores = RewardModel.scores(gpt, List.of(pair.first(), pair.second()));
            loss += pair.weight() / 7 * BradleyTerry.loss(scores[0] - scores[1], pair.preference());
        }
        return loss;
    }

    private static double score(GptInJava formula, float[] w, int... text) {
        double[] last = formula.hidden(text)[text.length - 1];
        double sum = 0;
        for (int i = 0; i < w.length; i++) {
            sum += w[i] * last[i];
        }
        return sum;
    }

    private static float[] weight(int width) {
        Random random = new Random(5);
        float[] w = new float[width];
        for (int i = 0; i < width; i++) {
            w[i] = (float) (random.nextGaussian() * 0.3);
        }
        return w;
    }

    private static int[] text(int length, long seed) {
        return new Random(seed).ints(length, 0, 49).toArray();
    }
}

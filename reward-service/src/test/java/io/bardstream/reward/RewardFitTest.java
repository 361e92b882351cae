package io.bardstream.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.bardstream.checkpoint.HuggingFaceFormat;
import io.bardstream.checkpoint.ModelConfig;
import io.bardstream.event.Hyperparameters;
import io.bardstream.gpt.Gpt;
import io.bardstream.gpt.GptConfig;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.Precision;
import io.bardstream.tokenizer.BpeTokenizer;
import io.bardstream.tokenizer.BpeTrainer;
import io.bardstream.tokenizer.SpecialTokens;
import io.bardstream.train.TrainStep;
import io.bardstream.training.JudgedPair;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tuning on pairs, with a model of two layers. */
class RewardFitTest {
    private static final GptConfig MODEL = new GptConfig(2, 2, 32, 32, 300);
    private static final int STEPS = 6;

    @TempDir
    Path policy;

    /** Pairs that some have voted on more often than others, so that micro-batches weigh differently; the last is not full. */
    @Test
    void microBatchesLearnWhatOneBatchLearns() throws IOException {
        List<JudgedText> texts = IntStream.range(0, 15)
                .mapToObj(i -> new JudgedText(
                        new JudgedPair("p" + i, "p" + i, null, "a", "b", null, null, i % 2, 1 + i % 3),
                        tokens(2, i),
                        tokens(4 + i % 5, 2 * i),
                        tokens(5 + i % 4, 2 * i + 1)))
                .toList();
        try (Compute compute = Compute.open(Precision.FLOAT32, 1)) {
            savePolicy(compute);

            double[] once = losses(texts, compute, 16, 1);
            double[] inFour = losses(texts, compute, 4, 4);

            assertThat(once[STEPS - 1]).isLessThan(once[0]);
            assertThat(inFour).containsExactly(once, within(1e-5));
        }
    }

    private double[] losses(List<JudgedText> texts, Compute compute, int batch, int accumulation) throws IOException {
        Hyperparameters settings = Hyperparameters.DEFAULTS
                .with(RewardStage.DEFAULTS)
                .with(Map.of(
                        "batch_size",
                        batch,
                        "gradient_accumulation",
                        accumulation,
                        "learning_rate",
                        3e-3,
                        "steps",
                        STEPS,
                        "dtype",
                        "float32"));
        RewardFit fit = new RewardFit(texts, settings, 1);
        double[] losses = new double[STEPS];
        try (Gpt gpt = Gpt.loadWithScalarHead(policy, compute);
                TrainStep trainStep = TrainStep.of(gpt, settings, 1)) {
            for (int step = 0; step < STEPS; step++) {
                losses[step] = fit.step(trainStep, step).loss();
            }
        }
        return losses;
    }

    private void savePolicy(Compute compute) throws IOException {
        BpeTokenizer tokenizer = new BpeTrainer(300, SpecialTokens.ALL).train(BpeTrainer.ProgressListener.NONE);
        try (Gpt gpt = Gpt.initialise(MODEL, compute, 1)) {
            gpt.save(policy.resolve(HuggingFaceFormat.WEIGHTS));
        }
        HuggingFaceFormat.writeDescription(
                policy,
                ModelConfig.of(
                        MODEL.vocabularySize(),
                        MODEL.contextLength(),
                        MODEL.width(),
                        MODEL.layers(),
                        MODEL.heads(),
                        tokenizer.endOfText(),
                        null),
                HuggingFaceFormat.TokenizerFiles.of(tokenizer));
    }

    private static int[] tokens(int count, long seed) {
        return new Random(seed).ints(count, 0, MODEL.vocabularySize()).toArray();
    }
}

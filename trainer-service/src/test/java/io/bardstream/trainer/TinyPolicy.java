package io.bardstream.trainer;

import io.bardstream.checkpoint.HuggingFaceFormat;
import io.bardstream.checkpoint.HuggingFaceFormat.TokenizerFiles;
import io.bardstream.checkpoint.ModelConfig;
import io.bardstream.event.Hyperparameters;
import io.bardstream.event.PpoSettings;
import io.bardstream.gpt.Gpt;
import io.bardstream.gpt.GptConfig;
import io.bardstream.kernel.Compute;
import io.bardstream.tokenizer.BpeTokenizer;
import io.bardstream.tokenizer.BpeTrainer;
import io.bardstream.tokenizer.SpecialTokens;
import io.bardstream.train.Batch;
import io.bardstream.train.OptimizerSettings;
import io.bardstream.train.TrainStep;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;

/** A policy small enough to be aligned within a test: it says the twelve words of a nonsense language, and "." at the end. */
final class TinyPolicy {
    private static final List<String> WORDS =
            List.of("thou", "you", "and", "the", "sun", "sea", "doth", "rise", "fall", "sweet", "cold", "now");
    private static final int LENGTH = 24;

    static final BpeTokenizer TOKENIZER = tokenizer();
    static final int THOU = single(" thou");
    static final GptConfig SHAPE = new GptConfig(2, 2, 32, 48, TOKENIZER.vocabularySize());

    private TinyPolicy() {}

    private static BpeTokenizer tokenizer() {
        BpeTrainer trainer = new BpeTrainer(300, SpecialTokens.ALL);
        trainer.add(text(1, 2_000));
        return trainer.train(BpeTrainer.ProgressListener.NONE);
    }

    private static int single(String word) {
        int[] ids = TOKENIZER.encode(word);
        if (ids.length != 1) {
            throw new IllegalStateException("'" + word + "' is " + Arrays.toString(ids) + ", not one token");
        }
        return ids[0];
    }

    private static String text(long seed, int words) {
        StringBuilder text = new StringBuilder();
        new Random(seed).ints(words, 0, WORDS.size()).forEach(word -> text.append(' ')
                .append(WORDS.get(word)));
        return text.toString();
    }

    /** Its checkpoint folder, after a short pretraining in which every sentence ends after eight words. */
    static Path pretrained(Path folder, Compute compute) throws IOException {
        Files.createDirectories(folder);
        OptimizerSettings settings = new OptimizerSettings(OptimizerSettings.Kind.ADAMW, 0, 0.9, 0.95, 1e-8, 0, 1);
        try (Gpt gpt = Gpt.initialise(SHAPE, compute, 1);
                TrainStep step = new TrainStep(gpt, settings, 0, 1)) {
            for (int i = 0; i < 150; i++) {
                step.step(i, 1e-2, List.of(batch(i)));
            }
            gpt.save(folder.resolve(HuggingFaceFormat.WEIGHTS));
        }
        HuggingFaceFormat.writeDescription(
                folder,
                new ModelConfig(
                        SHAPE.vocabularySize(),
                        SHAPE.contextLength(),
                        SHAPE.width(),
                        SHAPE.layers(),
                        SHAPE.heads(),
                        TOKENIZER.endOfText(),
                        null,
                        0),
                TokenizerFiles.of(TOKENIZER));
        return folder;
    }

    private static Batch batch(long seed) {
        int rows = 8;
        int[] inputs = new int[rows * LENGTH];
        int[] targets = new int[rows * LENGTH];
        for (int row = 0; row < rows; row++) {
            int[] ids = sentences(rows * seed + row);
            System.arraycopy(ids, 0, inputs, row * LENGTH, LENGTH);
            System.arraycopy(ids, 1, targets, row * LENGTH, LENGTH);
        }
        return new Batch(rows, LENGTH, inputs, targets, null);
    }

    /** Sentences of eight words and the end, one behind another. */
    private static int[] sentences(long seed) {
        return IntStream.range(0, 4)
                .boxed()
                .flatMapToInt(i -> IntStream.concat(
                        Arrays.stream(TOKENIZER.encode(text(4 * seed + i, 8))), IntStream.of(TOKENIZER.endOfText())))
                .limit(LENGTH + 1)
                .toArray();
    }

    /** One prompt for each word. */
    static List<int[]> prompts() {
        return WORDS.stream().map(word -> TOKENIZER.encode(" " + word)).toList();
    }

    /** A judge that likes one word: the share of it among a text's tokens, times ten. */
    static double[] thous(List<int[]> texts) {
        if (texts.stream().anyMatch(text -> Arrays.stream(text).anyMatch(token -> token == TOKENIZER.endOfText()))) {
            throw new IllegalArgumentException("a judge reads texts up to their end, and not the end");
        }
        return texts.stream()
                .mapToDouble(text -> 10.0
                        * Arrays.stream(text).filter(token -> token == THOU).count()
                        / text.length)
                .toArray();
    }

    static Hyperparameters settings(Map<String, ?> changes) {
        return Hyperparameters.DEFAULTS
                .with(Map.of(
                        "optimizer",
                        "adamw",
                        "learning_rate",
                        1e-3,
                        "steps",
                        12,
                        "warmup_steps",
                        0,
                        "batch_size",
                        8,
                        "weight_decay",
                        0,
                        "epsilon",
                        1e-5,
                        "dtype",
                        "float32"))
                .with(PpoSettings.DEFAULTS)
                .with(Map.of(
                        "rollouts", 32,
                        "minibatch", 16,
                        "response_length", 14,
                        "critic_learning_rate", 3e-3,
                        "critic_warmup", 1,
                        "kl_coefficient", 0.1,
                        "kl_target", 4,
                        "missing_end_penalty", 0.5))
                .with(changes);
    }
}

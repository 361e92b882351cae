package io.bardstream.trainer;

import static org.assertj.core.api.Assertions.assertThat;

import io.bardstream.checkpoint.HuggingFaceFormat;
import io.bardstream.checkpoint.HuggingFaceFormat.TokenizerFiles;
import io.bardstream.checkpoint.ModelConfig;
import io.bardstream.checkpoint.ModelConfig.RewardScale;
import io.bardstream.event.Hyperparameters;
import io.bardstream.event.RewardSettings;
import io.bardstream.event.RewardSettings.Trunk;
import io.bardstream.gpt.Gpt;
import io.bardstream.gpt.GptConfig;
import io.bardstream.gpt.RewardModel;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.Precision;
import io.bardstream.kernel.ResidentMemory;
import io.bardstream.tokenizer.BpeTokenizer;
import io.bardstream.tokenizer.BpeTrainer;
import io.bardstream.tokenizer.SpecialTokens;
import io.bardstream.train.EpochOrder;
import io.bardstream.train.MemoryEstimate;
import io.bardstream.train.Pairwise;
import io.bardstream.train.Pairwise.Pair;
import io.bardstream.train.Preset;
import io.bardstream.train.Response;
import io.bardstream.train.Rollout;
import io.bardstream.train.TrainStep;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The formula of memory against the peak of real steps of PPO, DPO and reward models, each in a process of its own. */
@EnabledOnOs(OS.LINUX)
class AlignmentMemoryTest {
    private static final double TOLERANCE = 0.15;
    private static final String PEAK = "peak=";
    private static final int JUDGED = 64;

    @TempDir
    Path folder;

    /** stage layers heads width vocabulary | batch_size context_length dtype num_layers_unfrozen recomputation rollouts */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "ppo 4 4 128 1024 16 128 bfloat16 -1 false 64",
                "ppo 4 4 128 1024 16 128 bfloat16 2 false 64",
                "dpo 4 4 128 1024 8 128 bfloat16 -1 false 64",
                "reward 4 4 128 1024 16 128 float32 -1 false 64"
            })
    void theFormulaIsWithin15PercentOfWhatAligningTakes(String training) throws Exception {
        assertThat(ratio(training)).isBetween(1 - TOLERANCE, 1 + TOLERANCE);
    }

    @Tag("acceptance")
    @ParameterizedTest
    @ValueSource(
            strings = {
                "reward 6 6 384 4096 16 256 float32 -1 false 64",
                "reward 12 12 768 50257 1 512 float32 -1 false 64",
                "ppo 6 6 384 4096 16 256 bfloat16 -1 false 64",
                "dpo 6 6 384 4096 8 256 bfloat16 -1 false 64",
                "dpo 12 12 768 50257 1 512 bfloat16 -1 false 16",
                "ppo 12 12 768 50257 4 128 bfloat16 -1 false 16",
                "ppo 12 12 768 50257 16 256 bfloat16 2 false 16",
                "ppo 12 12 768 50257 16 512 bfloat16 2 false 16",
                "ppo 12 12 768 50257 4 1024 bfloat16 2 false 16"
            })
    void soItIsForLargerShapes(String training) throws Exception {
        assertThat(ratio(training)).isBetween(1 - TOLERANCE, 1 + TOLERANCE);
    }

    private double ratio(String training) throws IOException, InterruptedException {
        String[] words = training.split(" ");
        return MemoryEstimate.of(model(words), run(words)).total() / (double) peak(training);
    }

    private static GptConfig model(String... words) {
        int[] numbers =
                IntStream.of(1, 2, 3, 6, 4).map(i -> Integer.parseInt(words[i])).toArray();
        return new GptConfig(numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]);
    }

    private static Hyperparameters run(String... words) {
        Map<String, Object> asked = Map.of(
                "batch_size", Integer.parseInt(words[5]),
                "context_length", Integer.parseInt(words[6]),
                "dtype", words[7],
                "activation_recomputation", Boolean.parseBoolean(words[9]));
        if (words[0].equals("reward")) {
            return Preset.TINY.instructing().with(asked).with(new RewardSettings(Trunk.TUNED));
        }
        return words[0].equals("dpo")
                ? Preset.TINY.dpo().with(asked)
                : Preset.TINY
                        .ppo()
                        .with(asked)
                        .with(Map.of(
                                "rollouts",
                                Integer.parseInt(words[10]),
                                "critic_warmup",
                                0,
                                "ppo_epochs",
                                1,
                                "num_layers_unfrozen",
                                Integer.parseInt(words[8])));
    }

    private long peak(String training) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xms32m", // as the service
                "-Xmx512m",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                AlignmentMemoryTest.class.getName()));
        Collections.addAll(command, training.split(" "));
        command.add(folder.toString());
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(said).isZero();
        return said.lines()
                .filter(line -> line.startsWith(PEAK))
                .mapToLong(line -> Long.parseLong(line.substring(PEAK.length())))
                .findFirst()
                .orElseThrow();
    }

    /** Takes an update, or two steps, of texts as long as the context and says how large the process became. */
    public static void main(String[] words) throws IOException {
        GptConfig model = model(words);
        Hyperparameters run = run(words);
        BpeTokenizer tokenizer = new BpeTrainer(300, SpecialTokens.ALL).train(BpeTrainer.ProgressListener.NONE);
        try (Compute compute = Compute.open(Precision.parse(run.dtype()), 1)) {
            Path parent = Files.createTempDirectory(Path.of(words[words.length - 1]), "parent");
            try (Gpt gpt = Gpt.initialise(model, compute, 1)) {
                gpt.save(parent.resolve(HuggingFaceFormat.WEIGHTS));
            }
            HuggingFaceFormat.writeDescription(
                    parent,
                    ModelConfig.of(
                                    model.vocabularySize(),
                                    model.contextLength(),
                                    model.width(),
                                    model.layers(),
                                    model.heads(),
                                    tokenizer.endOfText(),
                                    null)
                            .withReward(new RewardScale(1, 0)),
                    TokenizerFiles.of(tokenizer));
            switch (words[0]) {
                case "ppo" -> ppo(model, run, tokenizer, parent, compute);
                case "dpo" -> dpo(model, run, tokenizer, parent, compute);
                default -> reward(model, run, tokenizer, parent, compute);
            }
        }
        System.out.println(PEAK + ResidentMemory.peak().orElseThrow());
    }

    private static void ppo(GptConfig model, Hyperparameters run, BpeTokenizer tokenizer, Path parent, Compute compute)
            throws IOException {
        int said = run.ppo().responseLength();
        List<int[]> prompts = IntStream.range(0, run.ppo().rollouts())
                .mapToObj(i -> tokens(model, run.contextLength() - said, i))
                .toList();
        try (PpoModels models = PpoModels.begin(parent, parent, compute, run, 1)) {
            Ppo ppo = new Ppo(
                    models,
                    models::rewards,
                    new EpochOrder<>(prompts, 1),
                    new Rollout(tokenizer, 1, said),
                    run,
                    1,
                    0.1);
            ppo.learn(0, ppo.look(0), 1e-6, 1e-6);
        }
    }

    private static void dpo(GptConfig model, Hyperparameters run, BpeTokenizer tokenizer, Path parent, Compute compute)
            throws IOException {
        int half = run.contextLength() / 2;
        List<JudgedResponses> pairs = IntStream.range(0, run.batchSize())
                .mapToObj(i -> new JudgedResponses(
                        new Response(tokens(model, half, i), tokens(model, half, 2 * i), false),
                        new Response(tokens(model, half, i), tokens(model, half, 2 * i + 1), false),
                        1))
                .toList();
        FrozenPolicy reference = FrozenPolicy.load(parent, compute.precision(), 1);
        try (Dpo dpo = new Dpo(run, pairs, pairs, tokenizer, reference, 1);
                Gpt gpt = Gpt.load(parent, compute);
                TrainStep step = TrainStep.of(gpt, run, 1)) {
            dpo.validate(gpt);
            for (int i = 0; i < 2; i++) {
                step.advance(i, 1e-6, List.of(dpo.microBatch(i, 0)));
            }
        }
    }

    private static void reward(
            GptConfig model, Hyperparameters run, BpeTokenizer tokenizer, Path parent, Compute compute)
            throws IOException {
        List<Pair> pairs = IntStream.range(0, run.batchSize())
                .mapToObj(i -> new Pair(
                        tokens(model, run.contextLength(), 2 * i), tokens(model, run.contextLength(), 2 * i + 1), 1, 1))
                .toList();
        List<int[]> texts = IntStream.range(0, 2 * JUDGED)
                .mapToObj(i -> tokens(model, run.contextLength(), i))
                .toList();
        try (Gpt gpt = Gpt.loadWithScalarHead(parent, compute);
                TrainStep step = TrainStep.of(gpt, run, 1)) {
            step.advance(0, 1e-6, List.of(Pairwise.of(pairs)));
            try (Gpt fold = Gpt.loadWithScalarHead(parent, compute);
                    TrainStep foldStep = TrainStep.of(fold, run, 1)) {
                foldStep.advance(0, 1e-6, List.of(Pairwise.of(pairs)));
                RewardModel.scores(fold, texts);
            }
            try (Gpt policy = Gpt.load(parent, compute)) {
                int said = run.contextLength() / 2;
                List<int[]> prompts = IntStream.range(0, JUDGED)
                        .mapToObj(i -> tokens(model, run.contextLength() - said, i))
                        .toList();
                new Rollout(tokenizer, 1, said).sample(policy, prompts, 1);
            }
            RewardModel.scores(gpt, texts);
        }
    }

    private static int[] tokens(GptConfig model, int count, long seed) {
        return new Random(seed).ints(count, 0, model.vocabularySize()).toArray();
    }
}

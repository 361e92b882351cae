package io.bardstream.trainer;

import io.bardstream.checkpoint.HuggingFaceFormat;
import io.bardstream.checkpoint.HuggingFaceFormat.TokenizerFiles;
import io.bardstream.checkpoint.ModelConfig;
import io.bardstream.checkpoint.ModelConfig.RewardScale;
import io.bardstream.event.EventJson;
import io.bardstream.event.Hyperparameters;
import io.bardstream.event.PpoSettings;
import io.bardstream.gpt.Decoder;
import io.bardstream.gpt.Gpt;
import io.bardstream.gpt.GptConfig;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.CounterRandom;
import io.bardstream.kernel.ResidentMemory;
import io.bardstream.sample.Sampler;
import io.bardstream.sample.SamplingParameters;
import io.bardstream.tokenizer.BpeTokenizer;
import io.bardstream.tokenizer.BpeTrainer;
import io.bardstream.tokenizer.SpecialTokens;
import io.bardstream.train.EpochOrder;
import io.bardstream.train.Preset;
import io.bardstream.train.Response;
import io.bardstream.train.Rollout;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/**
 * Measures how long an update of PPO takes and where the time goes, in the shape of {@code tiny} with random weights: such a
 * policy hardly ever ends a response, so nearly each has its full length. Beside it, how fast the generator alone writes as
 * many, in the way of inference-service: one prompt after the other, then a token a step for all, each of the full length.
 */
public final class PpoBenchmark {
    /**
     * A measurement. Times are those of the median update, in seconds.
     *
     * @param seconds of each part of an update
     * @param rolloutTokensPerSecond that the rollouts write
     * @param generatorTokensPerSecond that the generator writes by itself, as many responses at once
     * @param peakResidentBytes the process at its largest; absent where the system does not say
     */
    public record Result(
            String preset,
            String dtype,
            String device,
            int threads,
            int rollouts,
            int responseLength,
            int epochs,
            Map<String, Double> seconds,
            double rolloutTokensPerSecond,
            double generatorTokensPerSecond,
            Long peakResidentBytes) {}

    private static final int UPDATES = 5;
    private static final int PROMPT = 12;
    private static final long SEED = 1;

    private PpoBenchmark() {}

    /** Prints the measurement, and writes it to the file named by the first argument, as a JSON list. */
    public static void main(String[] arguments) throws IOException {
        Result result = measure(Preset.TINY);
        System.out.printf(
                Locale.ROOT,
                "%s, %s, %d threads: %d rollouts of %d tokens, %d epochs%n",
                result.preset(),
                result.dtype(),
                result.threads(),
                result.rollouts(),
                result.responseLength(),
                result.epochs());
        double whole = result.seconds().values().stream()
                .mapToDouble(Double::doubleValue)
                .sum();
        result.seconds()
                .forEach((part, seconds) -> System.out.printf(
                        Locale.ROOT, "  %-10s %8.3f s %5.1f%%%n", part, seconds, 100 * seconds / whole));
        System.out.printf(
                Locale.ROOT,
                "  rollouts %,.0f tokens/s, the generator alone %,.0f (%.0f%%); peak %.2f GB%n",
                result.rolloutTokensPerSecond(),
                result.generatorTokensPerSecond(),
                100 * result.rolloutTokensPerSecond() / result.generatorTokensPerSecond(),
                result.peakResidentBytes() == null ? Double.NaN : result.peakResidentBytes() / 1e9);
        Files.write(Path.of(arguments[0]), EventJson.write(List.of(result)));
    }

    static Result measure(Preset preset) throws IOException {
        Hyperparameters settings = preset.ppo().with(Map.of("critic_warmup", 0));
        PpoSettings ppo = settings.ppo();
        BpeTokenizer tokenizer = tokenizer(preset.config().vocabularySize());
        Path folder = Files.createTempDirectory("bardstream-bench");
        int threads = Runtime.getRuntime().availableProcessors();
        try (Compute compute = Compute.openForSeveral(
                Compute.preferredPrecision(), threads, preset.config().parameterCount())) {
            save(preset.config(), tokenizer, folder, compute);
            List<int[]> prompts = prompts(ppo.rollouts());
            Rollout rollout = new Rollout(tokenizer, ppo.temperature(), ppo.responseLength());
            try (PpoModels models = PpoModels.begin(folder, folder, compute, settings, SEED)) {
                Ppo learner = new Ppo(
                        models, models::rewards, new EpochOrder<>(prompts, SEED), rollout, settings, SEED, 0.15);
                List<Update> updates = IntStream.range(0, UPDATES)
                        .mapToObj(number -> update(learner, number))
                        .sorted(Comparator.comparing(PpoBenchmark::whole))
                        .toList();
                Update median = updates.get(UPDATES / 2);
                int written = median.responses().stream()
                        .mapToInt(response -> response.tokens().length)
                        .sum();
                return new Result(
                        preset.name(),
                        compute.precision().dtype(),
                        compute.device().toString(),
                        threads,
                        ppo.rollouts(),
                        ppo.responseLength(),
                        ppo.ppoEpochs(),
                        median.seconds(),
                        written / median.seconds().get("rollout"),
                        alone(models.policy(), prompts, ppo, tokenizer.vocabularySize()),
                        ResidentMemory.peak().stream().boxed().findFirst().orElse(null));
            }
        } finally {
            try (Stream<Path> files = Files.list(folder)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
            Files.delete(folder);
        }
    }

    /** A vocabulary of this size, of words that mean nothing. */
    private static BpeTokenizer tokenizer(int vocabularySize) {
        BpeTrainer trainer = new BpeTrainer(vocabularySize, SpecialTokens.ALL);
        trainer.add(LongStream.range(0, 20L * vocabularySize)
                .mapToObj(word -> Long.toString(CounterRandom.below(1L << 40, word), Character.MAX_RADIX))
                .collect(Collectors.joining(" ")));
        return trainer.train(BpeTrainer.ProgressListener.NONE);
    }

    private record Update(List<Response> responses, Map<String, Double> seconds) {}

    private static Update update(Ppo learner, int number) {
        Ppo.Look look = learner.look(number);
        Map<String, Double> seconds = new TreeMap<>(look.seconds());
        seconds.put("update", learner.learn(number, look, 1e-6, 1e-6).seconds());
        return new Update(look.experience().responses(), seconds);
    }

    private static double whole(Update update) {
        return update.seconds().values().stream()
                .mapToDouble(Double::doubleValue)
                .sum();
    }

    private static void save(GptConfig shape, BpeTokenizer tokenizer, Path folder, Compute compute) throws IOException {
        HuggingFaceFormat.writeDescription(
                folder,
                ModelConfig.of(
                                shape.vocabularySize(),
                                shape.contextLength(),
                                shape.width(),
                                shape.layers(),
                                shape.heads(),
                                tokenizer.endOfText(),
                                null)
                        .withReward(new RewardScale(1, 0)),
                TokenizerFiles.of(tokenizer));
        try (Gpt gpt = Gpt.initialise(shape, compute, SEED)) {
            gpt.save(folder.resolve(HuggingFaceFormat.WEIGHTS));
        }
    }

    private static List<int[]> prompts(int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> IntStream.range(0, PROMPT)
                        .map(t -> (int) CounterRandom.below(250, i, t))
                        .toArray())
                .toList();
    }

    /** Tokens a second of the decoder with all slots at work: prompts, steps and sampling. The faster of two tries. */
    private static double alone(Gpt gpt, List<int[]> prompts, PpoSettings ppo, int vocabularySize) {
        double best = 0;
        SamplingParameters sampling = SamplingParameters.DEFAULT.withTemperature(ppo.temperature());
        try (Decoder decoder = Decoder.of(gpt, prompts.size())) {
            for (int attempt = 0; attempt < 2; attempt++) {
                long start = System.nanoTime();
                Sampler[] samplers = IntStream.range(0, prompts.size())
                        .mapToObj(slot -> new Sampler(sampling, vocabularySize, SEED, slot))
                        .toArray(Sampler[]::new);
                int[] tokens = new int[prompts.size()];
                for (int slot = 0; slot < prompts.size(); slot++) {
                    decoder.begin(slot, prompts.get(slot));
                    tokens[slot] = samplers[slot].next(decoder.prefill(slot));
                }
                for (int said = 1; said < ppo.responseLength(); said++) {
                    float[][] logits = decoder.step(tokens); // (S, V)
                    IntStream.range(0, prompts.size())
                            .parallel()
                            .forEach(slot -> tokens[slot] = samplers[slot].next(logits[slot]));
                }
                double seconds = (System.nanoTime() - start) / 1e9;
                best = Math.max(best, prompts.size() * ppo.responseLength() / seconds);
            }
        }
        return best;
    }
}

package io.bardstream.reward;

import io.bardstream.checkpoint.HuggingFaceFormat;
import io.bardstream.checkpoint.ModelConfig;
import io.bardstream.event.Hyperparameters;
import io.bardstream.gpt.Decoder;
import io.bardstream.gpt.Gpt;
import io.bardstream.gpt.GptConfig;
import io.bardstream.gpt.RewardModel;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.CounterRandom;
import io.bardstream.kernel.Precision;
import io.bardstream.reward.HeldOut.Prediction;
import io.bardstream.sample.Sampler;
import io.bardstream.sample.SamplingParameters;
import io.bardstream.tokenizer.BpeTokenizer;
import io.bardstream.tokenizer.BpeTrainer;
import io.bardstream.tokenizer.SpecialTokens;
import io.bardstream.train.EpochOrder;
import io.bardstream.train.LrSchedule;
import io.bardstream.train.OptimizerSettings;
import io.bardstream.train.Pairwise;
import io.bardstream.train.Preset;
import io.bardstream.train.TokenSampler;
import io.bardstream.train.TokenSource;
import io.bardstream.train.TrainStep;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * How many pairs it takes before tuning the whole model is worth more than fitting a head, with a taste no model is told:
 * more of thou, thee and thy. Pretrains {@code tiny} on a text, lets it write, and prints accuracies on 400 pairs of other
 * prompts as a table for docs/experiments.md. Run by hand: {@code RewardExperiment CORPUS [STEPS]}.
 */
final class RewardExperiment {
    private static final Pattern TASTE = Pattern.compile("\\b(thou|thee|thy)\\b", Pattern.CASE_INSENSITIVE);
    private static final int HELD_OUT = 400;
    private static final int MOST_PAIRS = 1_000;
    private static final int MOST_DRAWS = 5;
    private static final int WAYS = 5;
    private static final int SLOTS = 32;
    private static final int PROMPT = 12;
    private static final int RESPONSE = 36;
    private static final int BATCH = 16;

    private final Compute compute;
    private final BpeTokenizer tokenizer;
    private final int[] corpus;
    private final Path policy;

    private RewardExperiment(Compute compute, String text, Path policy) {
        this.compute = compute;
        BpeTrainer trainer = new BpeTrainer(Preset.TINY.config().vocabularySize(), SpecialTokens.ALL);
        trainer.add(text);
        this.tokenizer = trainer.train((done, total) -> {});
        this.corpus = tokenizer.encode(text);
        this.policy = policy;
    }

    /** Two responses and which of them has more of the taste. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Judged(int prompt, int[] first, int[] second, double preference) {}

    public static void main(String[] arguments) throws IOException {
        int steps = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 600;
        Path folder = Files.createTempDirectory("reward-experiment");
        try (Compute compute = Compute.open(Precision.FLOAT32, 1)) {
            RewardExperiment experiment =
                    new RewardExperiment(compute, Files.readString(Path.of(arguments[0])), folder);
            List<Judged> pairs = experiment.pretrainAndWrite(steps);
            experiment.measure(pairs);
        }
    }

    private List<Judged> pretrainAndWrite(int steps) throws IOException {
        GptConfig shape = Preset.TINY.config();
        Hyperparameters settings = Preset.TINY.pretraining().with(Map.of("steps", steps));
        TokenSource source = TokenSource.of(corpus);
        TokenSampler windows = new TokenSampler(source, settings.contextLength(), settings.batchSize(), 1);
        LrSchedule schedule = LrSchedule.of(settings);
        try (Gpt gpt = Gpt.initialise(shape, compute, 1)) {
            try (TrainStep step = TrainStep.of(gpt, settings, 1)) {
                double loss = 0;
                for (int i = 0; i < steps; i++) {
                    int at = i;
                    loss = step.step(
                                    i,
                                    schedule.at(i),
                                    IntStream.range(0, settings.gradientAccumulation())
                                            .mapToObj(micro -> windows.batch(at, micro))
                                            .toList())
                            .loss();
                }
                say("pretrained %d steps, loss %.3f", steps, loss);
            }
            gpt.save(policy.resolve(HuggingFaceFormat.WEIGHTS));
            Files.writeString(
                    policy.resolve(HuggingFaceFormat.CONFIG),
                    ModelConfig.of(
                                    shape.vocabularySize(),
                                    shape.contextLength(),
                                    shape.width(),
                                    shape.layers(),
                                    shape.heads(),
                                    tokenizer.endOfText(),
                                    null)
                            .toJson());
            return write(gpt);
        }
    }

    private List<Judged> write(Gpt gpt) {
        List<Judged> pairs = new ArrayList<>();
        int written = 0;
        try (Decoder decoder = Decoder.of(gpt, SLOTS)) {
            for (int round = 0; pairs.size() < MOST_PAIRS + HELD_OUT; round++) {
                int[][] texts = responses(decoder, round);
                for (int slot = 0; slot < SLOTS; slot += 2) {
                    int first = taste(texts[slot]);
                    int second = taste(texts[slot + 1]);
                    written++;
                    if (first != second) {
                        pairs.add(
                                new Judged(round * SLOTS + slot, texts[slot], texts[slot + 1], first > second ? 1 : 0));
                    }
                }
            }
        }
        say("%d pairs written, %d of them differ in taste", written, pairs.size());
        return pairs;
    }

    /** Prompt and response of each slot; two neighbours share a prompt. */
    private int[][] responses(Decoder decoder, int round) {
        int[][] texts = new int[SLOTS][PROMPT + RESPONSE];
        Sampler[] samplers = new Sampler[SLOTS];
        int[] next = new int[SLOTS];
        for (int slot = 0; slot < SLOTS; slot++) {
            int place = (int) CounterRandom.below(corpus.length - PROMPT, 7, round, slot / 2);
            System.arraycopy(corpus, place, texts[slot], 0, PROMPT);
            samplers[slot] = new Sampler(
                    SamplingParameters.DEFAULT, tokenizer.vocabularySize(), CounterRandom.bits(8, round, slot), 0);
            decoder.begin(slot, Arrays.copyOf(texts[slot], PROMPT));
            next[slot] = samplers[slot].next(decoder.prefill(slot));
        }
        for (int t = 0; t < RESPONSE; t++) {
            for (int slot = 0; slot < SLOTS; slot++) {
                texts[slot][PROMPT + t] = next[slot];
            }
            float[][] logits = decoder.step(next);
            for (int slot = 0; slot < SLOTS; slot++) {
                next[slot] = samplers[slot].next(logits[slot]);
            }
        }
        return texts;
    }

    private int taste(int... text) {
        String response = tokenizer.decode(Arrays.copyOfRange(text, PROMPT, text.length));
        return (int) TASTE.matcher(response).results().count();
    }

    private void measure(List<Judged> all) throws IOException {
        List<Judged> heldOut = all.subList(MOST_PAIRS, MOST_PAIRS + HELD_OUT);
        for (double flipped : new double[] {0, 0.3}) {
            say("%n%.0f %% of the votes flipped", 100 * flipped);
            say(
                    "| pairs | frozen head | tuned, rate 3e-4, 1 epoch | 1e-3, 1 | 1e-3, 3 | 1e-3, 3, from the frozen head |");
            say("|---|---|---|---|---|---|");
            for (int pairs : new int[] {50, 100, 300, 1_000}) {
                int draws = Math.min(MOST_DRAWS, MOST_PAIRS / pairs);
                double[] right = new double[WAYS];
                for (int draw = 0; draw < draws; draw++) {
                    List<Judged> some = flip(all.subList(draw * pairs, (draw + 1) * pairs), flipped);
                    double[] one = accuracies(some, heldOut);
                    Arrays.setAll(right, way -> right[way] + one[way] / draws);
                }
                String cells = Arrays.stream(right)
                        .mapToObj(each -> String.format(Locale.ROOT, "%.1f", 100 * each))
                        .collect(Collectors.joining(" | "));
                say("| %d (mean of %d) | %s |", pairs, draws, cells);
            }
        }
    }

    /** Held-out accuracy of each way to train on the same pairs, in the order of the table's columns. */
    private double[] accuracies(List<Judged> pairs, List<Judged> heldOut) throws IOException {
        float[] head = frozen(pairs);
        return new double[] {
            accuracy(head, heldOut),
            accuracy(tuned(pairs, 3e-4, 1, null), heldOut),
            accuracy(tuned(pairs, 1e-3, 1, null), heldOut),
            accuracy(tuned(pairs, 1e-3, 3, null), heldOut),
            accuracy(tuned(pairs, 1e-3, 3, head), heldOut)
        };
    }

    private static List<Judged> flip(List<Judged> pairs, double share) {
        return pairs.stream()
                .map(pair -> CounterRandom.uniform(9, pair.prompt()) < share
                        ? new Judged(pair.prompt(), pair.first(), pair.second(), 1 - pair.preference())
                        : pair)
                .toList();
    }

    private float[] frozen(List<Judged> pairs) throws IOException {
        try (Gpt gpt = Gpt.loadWithScalarHead(policy, compute)) {
            double[][] first =
                    RewardModel.features(gpt, pairs.stream().map(Judged::first).toList());
            double[][] second =
                    RewardModel.features(gpt, pairs.stream().map(Judged::second).toList());
            List<FrozenHead.Pair> features = new ArrayList<>();
            for (int i = 0; i < first.length; i++) {
                Judged pair = pairs.get(i);
                features.add(new FrozenHead.Pair("" + pair.prompt(), first[i], second[i], pair.preference(), 1));
            }
            return FrozenHead.fit(features).weights();
        }
    }

    private Gpt tuned(List<Judged> pairs, double rate, int epochs, float[] head) throws IOException {
        Gpt gpt = Gpt.loadWithScalarHead(policy, compute);
        int steps = Math.max(1, pairs.size() * epochs / BATCH);
        LrSchedule schedule = new LrSchedule(rate, 0, 0, steps, LrSchedule.Decay.LINEAR);
        EpochOrder<Judged> order = new EpochOrder<>(pairs, 1);
        OptimizerSettings settings = new OptimizerSettings(OptimizerSettings.Kind.ADAMW, 0, 0.9, 0.95, 1e-8, 0, 1);
        try (TrainStep step = new TrainStep(gpt, settings, 0, 1)) {
            if (head == null) {
                gpt.scalarHead().draw(1);
            } else {
                gpt.scalarHead().set(head);
            }
            for (int i = 0; i < steps; i++) {
                List<Pairwise.Pair> batch = order.draw((long) i * BATCH, Math.min(BATCH, pairs.size())).stream()
                        .map(pair -> new Pairwise.Pair(pair.first(), pair.second(), pair.preference(), 1))
                        .toList();
                step.advance(i, schedule.at(i), List.of(Pairwise.of(batch)));
            }
        }
        return gpt;
    }

    private double accuracy(float[] head, List<Judged> pairs) throws IOException {
        Gpt gpt = Gpt.loadWithScalarHead(policy, compute);
        gpt.scalarHead().set(head);
        return accuracy(gpt, pairs);
    }

    private static double accuracy(Gpt gpt, List<Judged> pairs) {
        try (gpt) {
            double[] first =
                    RewardModel.scores(gpt, pairs.stream().map(Judged::first).toList());
            double[] second =
                    RewardModel.scores(gpt, pairs.stream().map(Judged::second).toList());
            return HeldOut.of(IntStream.range(0, first.length)
                            .mapToObj(i -> new Prediction(
                                    first[i] - second[i], pairs.get(i).preference()))
                            .toList())
                    .accuracy()
                    .value();
        }
    }

    private static void say(String text, Object... values) {
        System.out.println(String.format(Locale.ROOT, text, values));
    }
}

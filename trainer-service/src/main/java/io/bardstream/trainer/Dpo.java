package io.bardstream.trainer;

import io.bardstream.event.Hyperparameters;
import io.bardstream.gpt.Gpt;
import io.bardstream.kernel.CounterRandom;
import io.bardstream.tokenizer.BpeTokenizer;
import io.bardstream.train.EpochOrder;
import io.bardstream.train.Objective;
import io.bardstream.train.Response;
import io.bardstream.train.Rollout;
import io.bardstream.train.TokenSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Direct preference optimization (Rafailov et al. 2023): the policy learns from judged pairs what PPO learns from a judge, with
 * neither judge nor rollouts. Validation is the same loss on held-out pairs, so {@code validation_loss} starts at ln 2;
 * beside it, under TRL's names, the rewards that the policy implies, and the KL of what it writes after held-out
 * prompts.
 */
final class Dpo implements Task {
    private static final long STREAM = 0x64706fL; // keeps rollouts independent of other draws at the same seed
    private static final int MOST_PROMPTS = 32;
    private static final int MOST_TOKENS = 48;

    private final Hyperparameters settings;
    private final EpochOrder<JudgedResponses> training;
    private final List<JudgedResponses> held;
    private final BpeTokenizer tokenizer;
    private final FrozenPolicy reference;
    private final SampleWriter samples;
    private final long seed;

    Dpo(
            Hyperparameters settings,
            List<JudgedResponses> training,
            List<JudgedResponses> held,
            BpeTokenizer tokenizer,
            FrozenPolicy reference,
            long seed) {
        this.settings = settings;
        this.training = new EpochOrder<>(withReference(training, reference), seed);
        this.held = withReference(held, reference);
        this.tokenizer = tokenizer;
        this.reference = reference;
        this.samples = new SampleWriter(
                tokenizer,
                TokenSource.of(training.stream()
                        .flatMap(pair ->
                                Stream.of(pair.first().said(), pair.second().said()))
                        .flatMapToInt(Arrays::stream)
                        .toArray()),
                seed);
        this.seed = seed;
    }

    private static List<JudgedResponses> withReference(List<JudgedResponses> pairs, FrozenPolicy reference) {
        double[] first =
                reference.logprobs(pairs.stream().map(JudgedResponses::first).toList());
        double[] second =
                reference.logprobs(pairs.stream().map(JudgedResponses::second).toList());
        return IntStream.range(0, first.length)
                .mapToObj(i -> pairs.get(i).withReference(first[i], second[i]))
                .toList();
    }

    @Override
    public Objective microBatch(long step, int micro) {
        long first = (step * settings.gradientAccumulation() + micro) * settings.batchSize();
        return new DpoObjective(
                training.draw(first, settings.batchSize()), settings.dpo().klCoefficient());
    }

    @Override
    public Validation validate(Gpt gpt) {
        List<DpoLoss> losses = new ArrayList<>();
        for (int first = 0; first < held.size(); first += settings.batchSize()) {
            List<JudgedResponses> some = held.subList(first, Math.min(first + settings.batchSize(), held.size()));
            losses.addAll(new DpoObjective(some, settings.dpo().klCoefficient()).evaluate(gpt));
        }
        Map<String, Double> more = new TreeMap<>();
        more.put("rewards/accuracies", share(losses));
        more.put("rewards/margins", mean(losses, loss -> Math.abs(loss.rewardFirst() - loss.rewardSecond())));
        more.put(PpoGuards.KL, kl(gpt));
        return new Validation(mean(losses, DpoLoss::loss), null, more);
    }

    /** Share of held-out pairs of which the policy came to prefer the one that people prefer. */
    private double share(List<DpoLoss> losses) {
        double right = 0;
        for (int i = 0; i < losses.size(); i++) {
            double margin = losses.get(i).rewardFirst() - losses.get(i).rewardSecond();
            right += margin * (held.get(i).preference() - 0.5) > 0 ? 1 : 0;
        }
        return right / losses.size();
    }

    /** KL to the reference of responses to held-out prompts, in nats a response. */
    private double kl(Gpt gpt) {
        List<int[]> prompts = held.stream()
                .limit(MOST_PROMPTS)
                .map(pair -> pair.first().prompt())
                .toList();
        List<Response> responses =
                new Rollout(tokenizer, 1, MOST_TOKENS).sample(gpt, prompts, CounterRandom.bits(STREAM, seed));
        List<ResponseRows> batches =
                Experience.batches(responses, ResponseRows.longest(responses), settings.batchSize());
        float[][] policy = Experience.seen(gpt, batches, 1).logprobs();
        double[] before = reference.logprobs(responses);
        return IntStream.range(0, before.length)
                .mapToDouble(i -> DpoObjective.sum(policy[i]) - before[i])
                .average()
                .orElseThrow();
    }

    private static double mean(List<DpoLoss> losses, ToDoubleFunction<DpoLoss> of) {
        return losses.stream().mapToDouble(of).average().orElseThrow();
    }

    @Override
    public SampleWriter.Sample sample(Gpt gpt, long step) {
        int[] prompt = held.get((int) CounterRandom.below(held.size(), STREAM, seed, step))
                .first()
                .prompt();
        return samples.answer(gpt, step, prompt);
    }

    @Override
    public void close() {
        reference.close();
    }
}

package io.bardstream.trainer;

import ai.djl.ndarray.NDArray;
import io.bardstream.event.PpoSettings;
import io.bardstream.gpt.Dropout;
import io.bardstream.gpt.ForwardPass;
import io.bardstream.gpt.Gpt;
import io.bardstream.kernel.CounterRandom;
import io.bardstream.train.Logprobs;
import io.bardstream.train.Response;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/**
 * Responses with all that an update needs to know of them, one row of numbers for each response and in it one for each token.
 * Log-probabilities and values are computed by the kernels and in the shape of the update itself, so that its first ratios
 * are 1.
 */
final class Experience {
    private static final long ORDER = 0x6d696e69L; // keeps the order of minibatches independent of other draws

    private final List<Response> responses;
    private final int length;
    private final float[][] logprobs;
    private final double entropy;
    private final float[][] reference;
    private final float[][] values;
    private final double[] scores;
    private final float[][] advantages;
    private final float[][] returns;

    private Experience(
            List<Response> responses,
            int length,
            Seen policy,
            float[][] reference,
            float[][] values,
            double... scores) {
        this.responses = responses;
        this.length = length;
        this.logprobs = policy.logprobs();
        this.entropy = policy.entropy();
        this.reference = reference;
        this.values = values;
        this.scores = scores;
        this.advantages = new float[scores.length][];
        this.returns = new float[scores.length][];
    }

    /**
     * Looks at responses with the models as they are.
     *
     * @param scores of the whole responses
     * @param batchSize responses of a forward pass
     */
    static Experience of(
            List<Response> responses, PpoModels models, double[] scores, int batchSize, double temperature) {
        int length = ResponseRows.longest(responses);
        List<ResponseRows> batches = batches(responses, length, batchSize);
        Seen[] seen = new Seen[2]; // by policy and reference
        float[][][] values = new float[1][][];
        models.both(
                () -> {
                    seen[0] = seen(models.policy(), batches, temperature, () -> models.pass(models.policy()));
                    seen[1] = seen(models.reference(), batches, temperature, () -> models.pass(models.policy()));
                },
                () -> values[0] = values(models.critic(), batches, () -> models.pass(models.critic())));
        return new Experience(responses, length, seen[0], seen[1].logprobs(), values[0], scores);
    }

    /** Turns scores and KL into rewards, and these into whitened advantages and returns. */
    void estimate(PpoSettings settings, double beta) {
        for (int i = 0; i < scores.length; i++) {
            float[] rewards = KlPenalty.rewards(logprobs[i], reference[i], scores[i], beta);
            Gae.Advantages estimated = Gae.of(rewards, values[i], settings.gamma(), settings.lambda());
            advantages[i] = estimated.advantages();
            returns[i] = estimated.returns();
        }
        Gae.whiten(Arrays.asList(advantages));
    }

    /** The minibatches of an epoch: each response once, in an order of its own; of the same update always the same. */
    List<Minibatch> minibatches(int size, int batchSize, long seed, long update, int epoch) {
        int[] order = CounterRandom.permutation(scores.length, ORDER, seed, update, epoch);
        List<Minibatch> minibatches = new ArrayList<>();
        for (int first = 0; first < order.length; first += size) {
            minibatches.add(new Minibatch(Arrays.copyOfRange(order, first, first + size), batchSize));
        }
        return minibatches;
    }

    /** Some of the responses, in micro-batches. */
    final class Minibatch {
        private final List<int[]> micro = new ArrayList<>();

        private Minibatch(int[] chosen, int batchSize) {
            for (int first = 0; first < chosen.length; first += batchSize) {
                micro.add(Arrays.copyOfRange(chosen, first, Math.min(first + batchSize, chosen.length)));
            }
        }

        List<PolicyObjective> policy(PpoSettings settings) {
            return micro.stream()
                    .map(chosen -> new PolicyObjective(
                            rows(chosen),
                            joined(logprobs, chosen),
                            joined(advantages, chosen),
                            settings.clipRange(),
                            settings.temperature()))
                    .toList();
        }

        List<ValueObjective> value(PpoSettings settings) {
            return micro.stream()
                    .map(chosen -> new ValueObjective(
                            rows(chosen),
                            joined(values, chosen),
                            joined(returns, chosen),
                            settings.valueClipRange(),
                            settings.valueCoefficient()))
                    .toList();
        }

        private ResponseRows rows(int... chosen) {
            return ResponseRows.of(IntStream.of(chosen).mapToObj(responses::get).toList(), length);
        }
    }

    List<Response> responses() {
        return responses;
    }

    double[] scores() {
        return scores;
    }

    /** KL of each response to the reference, in nats. */
    double[] kl() {
        return IntStream.range(0, scores.length)
                .mapToDouble(i -> KlPenalty.k1(logprobs[i], reference[i]))
                .toArray();
    }

    /** The same by the estimator that is never negative. */
    double[] k3() {
        return IntStream.range(0, scores.length)
                .mapToDouble(i -> KlPenalty.k3(logprobs[i], reference[i]))
                .toArray();
    }

    /** Σ −log π of each response, in nats. */
    double[] surprises() {
        return Arrays.stream(logprobs)
                .mapToDouble(row -> -mean(row) * row.length)
                .toArray();
    }

    /** Mean entropy of the policy's distributions, in nats a token. */
    double entropy() {
        return entropy;
    }

    /** How much of the variance of the returns the values explain: 1 is all. */
    double explainedVariance() {
        float[] all = joined(returns, IntStream.range(0, scores.length).toArray());
        float[] predicted = joined(values, IntStream.range(0, scores.length).toArray());
        double[] errors = IntStream.range(0, all.length)
                .mapToDouble(i -> all[i] - predicted[i])
                .toArray();
        double[] goals = IntStream.range(0, all.length).mapToDouble(i -> all[i]).toArray();
        double variance = variance(goals);
        return variance > 0 ? 1 - variance(errors) / variance : 0;
    }

    static double mean(double... values) {
        return Arrays.stream(values).average().orElse(0);
    }

    static double mean(float... values) {
        double sum = 0;
        for (float value : values) {
            sum += value;
        }
        return sum / values.length;
    }

    static double variance(double... values) {
        double mean = mean(values);
        return Arrays.stream(values)
                .map(value -> (value - mean) * (value - mean))
                .average()
                .orElse(0);
    }

    static float[] scaled(float[] values, double factor) {
        float[] scaled = new float[values.length];
        for (int i = 0; i < scaled.length; i++) {
            scaled[i] = (float) (values[i] * factor);
        }
        return scaled;
    }

    /**
     * How a policy sees what was said.
     *
     * @param logprobs response by response
     * @param entropy mean entropy of its distributions, in nats a token
     */
    @SuppressWarnings("ArrayRecordComponent") // handed over, never compared
    record Seen(float[][] logprobs, double entropy) {}

    static Seen seen(Gpt gpt, List<ResponseRows> batches, double temperature) {
        return seen(gpt, batches, temperature, () -> ForwardPass.training(gpt.compute(), Dropout.NONE));
    }

    private static Seen seen(Gpt gpt, List<ResponseRows> batches, double temperature, Supplier<ForwardPass> passes) {
        List<float[]> all = new ArrayList<>();
        double entropy = 0;
        double tokens = 0;
        for (ResponseRows rows : batches) {
            try (ForwardPass pass = passes.get()) {
                NDArray hidden = gpt.forward(rows.tokens(pass), pass); // (B·T, C)
                Logprobs logprobs = new Logprobs(gpt, hidden, rows.speaking(), rows.targets(), temperature); // (M)
                all.addAll(Arrays.asList(rows.split(logprobs.values())));
                entropy += mean(logprobs.entropies()) * rows.count();
                tokens += rows.count();
            }
        }
        return new Seen(all.toArray(float[][]::new), entropy / tokens);
    }

    private static float[][] values(Gpt critic, List<ResponseRows> batches, Supplier<ForwardPass> passes) {
        List<float[]> all = new ArrayList<>();
        for (ResponseRows rows : batches) {
            try (ForwardPass pass = passes.get()) {
                NDArray hidden = critic.forward(rows.tokens(pass), pass); // (B·T, C)
                float[] places = critic.scalarHead().forward(hidden).toFloatArray(); // (B·T)
                all.addAll(Arrays.asList(rows.split(rows.atSpeaking(places))));
            }
        }
        return all.toArray(float[][]::new);
    }

    /** Responses in batches of one shape. */
    static List<ResponseRows> batches(List<Response> responses, int length, int batchSize) {
        List<ResponseRows> batches = new ArrayList<>();
        for (int first = 0; first < responses.size(); first += batchSize) {
            batches.add(
                    ResponseRows.of(responses.subList(first, Math.min(first + batchSize, responses.size())), length));
        }
        return batches;
    }

    private static float[] joined(float[][] rows, int... chosen) {
        float[] joined =
                new float[IntStream.of(chosen).map(row -> rows[row].length).sum()];
        int at = 0;
        for (int row : chosen) {
            System.arraycopy(rows[row], 0, joined, at, rows[row].length);
            at += rows[row].length;
        }
        return joined;
    }
}

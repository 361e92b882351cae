package io.bardstream.trainer;

import io.bardstream.event.Hyperparameters;
import io.bardstream.event.PpoSettings;
import io.bardstream.kernel.CounterRandom;
import io.bardstream.train.EpochOrder;
import io.bardstream.train.Response;
import io.bardstream.train.Rollout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Proximal policy optimization of a language model against a judge (Ziegler et al. 2019; Stiennon et al. 2020, section 3.4), in
 * the manner of lm-human-preferences. Departures: policy and critic share no weights; a response's end is the model's own; an
 * update ends early where the policy has moved far.
 *
 * <p>An update looks first and learns then, so that a policy can be found unsound, or be saved, in between. Both are functions
 * of the models, β, the seed and the update's number. Measures bear TRL's names.
 */
final class Ppo {
    /** Judges texts, prompt and response in one: the greater the better. */
    @FunctionalInterface
    interface Judge {
        double[] rewards(List<int[]> texts);
    }

    /**
     * A policy's responses, looked at before anything is learned from them.
     *
     * @param measured by TRL's names: of the policy as it is
     * @param seconds of each part, by name
     */
    record Look(Experience experience, Map<String, Double> measured, Map<String, Double> seconds) {}

    /**
     * What learning from them was.
     *
     * @param measured by TRL's names: of the change
     */
    record Learned(Map<String, Double> measured, double seconds) {}

    /** Half the mean squared change of log-probabilities at which an update ends. */
    private static final double MOST_APPROX_KL = 0.1;

    private static final long STREAM = 0x726f6c6cL; // keeps rollouts independent of other draws at the same seed

    private final PpoModels models;
    private final Judge judge;
    private final EpochOrder<int[]> prompts;
    private final Rollout rollout;
    private final KlController kl;
    private final PpoSettings ppo;
    private final int batchSize;
    private final long seed;

    /**
     * @param beta price of KL at the beginning, or where an interrupted run goes on
     */
    Ppo(
            PpoModels models,
            Judge judge,
            EpochOrder<int[]> prompts,
            Rollout rollout,
            Hyperparameters settings,
            long seed,
            double beta) {
        this.models = models;
        this.judge = judge;
        this.prompts = prompts;
        this.rollout = rollout;
        this.ppo = settings.ppo();
        this.kl = new KlController(beta, ppo.klTarget(), (long) settings.steps() * ppo.rollouts());
        this.batchSize = settings.batchSize();
        this.seed = seed;
    }

    double beta() {
        return kl.beta();
    }

    /** Samples, judges, and asks the reference and the critic; nothing is learned yet. */
    Look look(long number) {
        Clock clock = new Clock();
        List<Response> responses = rollout.sample(
                models.policy(),
                prompts.draw(number * ppo.rollouts(), ppo.rollouts()),
                CounterRandom.bits(STREAM, seed, number));
        clock.lap("rollout");
        double[] scores = scores(responses);
        clock.lap("scoring");
        Experience seen = Experience.of(responses, models, scores, batchSize, ppo.temperature());
        clock.lap("reference");
        return new Look(seen, measured(seen), clock.seconds);
    }

    /** Learns from what was looked at, and moves the price of KL. */
    Learned learn(long number, Look look, double rate, double criticRate) {
        Clock clock = new Clock();
        Experience seen = look.experience();
        seen.estimate(ppo, kl.beta());
        Minibatches learned = new Minibatches();
        for (int epoch = 0; epoch < ppo.ppoEpochs() && !learned.farAway(); epoch++) {
            for (var minibatch : seen.minibatches(ppo.minibatch(), batchSize, seed, number, epoch)) {
                List<PolicyObjective> policy =
                        number >= ppo.criticWarmup() && !learned.farAway() ? minibatch.policy(ppo) : List.of();
                List<ValueObjective> value = minibatch.value(ppo);
                models.both(
                        () -> {
                            if (!policy.isEmpty()) {
                                models.policyStep().advance(number, rate, policy);
                            }
                        },
                        () -> models.criticStep().advance(number, criticRate, value));
                learned.add(policy);
                learned.values(value);
            }
        }
        if (number > ppo.criticWarmup()) { // before, the policy is its reference, whatever β is
            kl.update(look.measured().get(PpoGuards.KL), seen.scores().length);
        }
        clock.lap("update");
        Map<String, Double> measured = learned.measured();
        measured.put("ppo/val/var_explained", seen.explainedVariance());
        return new Learned(measured, clock.seconds.get("update"));
    }

    /** Of the texts up to their ends; one that has not come to its end is fined. */
    private double[] scores(List<Response> responses) {
        double[] scores = judge.rewards(responses.stream().map(Response::judged).toList());
        for (int i = 0; i < scores.length; i++) {
            scores[i] -= responses.get(i).ended() ? 0 : ppo.missingEndPenalty();
        }
        return scores;
    }

    private Map<String, Double> measured(Experience seen) {
        double divergence = Experience.mean(seen.kl());
        double score = Experience.mean(seen.scores());
        List<Response> responses = seen.responses();
        Map<String, Double> measured = new TreeMap<>();
        measured.put(PpoGuards.KL, divergence);
        measured.put("objective/kl_k3", Experience.mean(seen.k3()));
        measured.put("objective/kl_coef", kl.beta());
        measured.put("objective/entropy", Experience.mean(seen.surprises()));
        measured.put("objective/scores", score);
        measured.put("objective/scores_std", Math.sqrt(Experience.variance(seen.scores())));
        measured.put("objective/non_score_reward", -kl.beta() * divergence);
        measured.put("objective/rlhf_reward", score - kl.beta() * divergence);
        measured.put(PpoGuards.ENTROPY, seen.entropy());
        measured.put(
                PpoGuards.LENGTH,
                Experience.mean(responses.stream()
                        .mapToDouble(each -> each.tokens().length)
                        .toArray()));
        measured.put(PpoGuards.DISTINCT, distinct2(responses));
        measured.put(
                "tokens/ended",
                Experience.mean(responses.stream()
                        .mapToDouble(each -> each.ended() ? 1 : 0)
                        .toArray()));
        return measured;
    }

    /** Different pairs of neighbouring tokens among all that were said (Li et al. 2016); 1 where there is no pair. */
    static double distinct2(List<Response> responses) {
        Set<Long> different = new HashSet<>();
        int all = 0;
        for (Response response : responses) {
            int[] said = response.said();
            for (int i = 1; i < said.length; i++) {
                different.add(((long) said[i - 1] << Integer.SIZE) | said[i]);
                all++;
            }
        }
        return all == 0 ? 1 : (double) different.size() / all;
    }

    /** What the minibatches of an update measured, as means over them. */
    private static final class Minibatches {
        private final List<PolicyObjective> policy = new ArrayList<>();
        private final List<ValueObjective> value = new ArrayList<>();
        private double lastApproxKl;

        void add(List<PolicyObjective> minibatch) {
            policy.addAll(minibatch);
            lastApproxKl = minibatch.stream()
                    .mapToDouble(each -> each.measured().approxKl())
                    .average()
                    .orElse(lastApproxKl);
        }

        void values(List<ValueObjective> minibatch) {
            value.addAll(minibatch);
        }

        boolean farAway() {
            return lastApproxKl > MOST_APPROX_KL;
        }

        Map<String, Double> measured() {
            Map<String, Double> measured = new TreeMap<>();
            put(
                    measured,
                    "ppo/loss/policy",
                    policy.stream().mapToDouble(each -> each.measured().loss()).toArray());
            put(
                    measured,
                    "ppo/policy/approxkl",
                    policy.stream()
                            .mapToDouble(each -> each.measured().approxKl())
                            .toArray());
            put(
                    measured,
                    "ppo/policy/clipfrac",
                    policy.stream()
                            .mapToDouble(each -> each.measured().clipFraction())
                            .toArray());
            put(
                    measured,
                    "ppo/policy/ratio",
                    policy.stream()
                            .mapToDouble(each -> each.measured().ratioMean())
                            .toArray());
            put(
                    measured,
                    "ppo/policy/ratio_var",
                    policy.stream()
                            .mapToDouble(each -> each.measured().ratioVariance())
                            .toArray());
            put(
                    measured,
                    PpoGuards.SKIPPED,
                    policy.stream().mapToDouble(each -> each.skipped() ? 1 : 0).toArray());
            put(
                    measured,
                    "ppo/loss/value",
                    value.stream().mapToDouble(each -> each.measured().loss()).toArray());
            put(
                    measured,
                    "ppo/val/error",
                    value.stream().mapToDouble(each -> each.measured().error()).toArray());
            put(
                    measured,
                    "ppo/val/clipfrac",
                    value.stream()
                            .mapToDouble(each -> each.measured().clipFraction())
                            .toArray());
            policy.stream()
                    .findFirst()
                    .ifPresent(
                            first -> measured.put(FIRST_RATIO, first.measured().ratioMean()));
            return measured;
        }

        private static void put(Map<String, Double> measured, String name, double... values) {
            measured.put(name, Arrays.stream(values).average().orElse(0));
        }
    }

    /** Mean ratio of the first minibatch: 1, or the old log-probabilities are not the policy's. */
    static final String FIRST_RATIO = "ppo/policy/first_ratio";

    /** Times the parts of an update. */
    private static final class Clock {
        private final Map<String, Double> seconds = new TreeMap<>();
        private long last = System.nanoTime();

        void lap(String part) {
            long now = System.nanoTime();
            seconds.put(part, (now - last) / 1e9);
            last = now;
        }
    }
}

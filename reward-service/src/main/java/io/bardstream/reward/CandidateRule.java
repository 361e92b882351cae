package io.bardstream.reward;

import io.bardstream.event.Checkpoint;
import io.bardstream.event.PromotionDecision;
import io.bardstream.event.PromotionDecision.Outcome;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * Whether a candidate, a policy that PPO or DPO has made, takes the place of the one that serves. It must not have gone too far
 * from its reference, nor forgotten how to write; its texts must be worth more to the judge than those of the one that serves,
 * on the same prompts; and people must prefer it: the probability that it wins more often than not, by the votes, is at least
 * 0.9. That works for one person with twenty votes and for a crowd. Where nobody votes for a while the judge decides alone, by
 * a stricter bound.
 *
 * <p>A pure function of the evidence.
 */
final class CandidateRule {
    static final String KL = "objective/kl";

    /** Sure enough to promote; and the opposite, to reject. */
    private static final double SURE = 0.9;

    /** Fewer votes say nothing. */
    private static final double FEWEST_VOTES = 5;

    private static final double MOST_KL = 24;
    private static final double MOST_KL_UNSEEN = 12;
    private static final double MOST_FORGETTING = 1.05;

    /** By how many deviations the reward must have risen, at the lower end of its 95 % interval, where nobody votes. */
    private static final double REWARD_UNSEEN = 0.3;

    private static final int FEWEST_TEXTS_UNSEEN = 16;

    private CandidateRule() {}

    /**
     * What is known of a candidate and the one that serves.
     *
     * @param wins votes for the candidate's text against the other's, a tie being half of one
     * @param texts prompts on which both have written and been scored
     * @param rewardGain mean over them of the candidate's reward less the other's, in deviations of the reference's
     * @param rewardError standard error of that mean
     */
    record Evidence(
            Checkpoint candidate,
            Checkpoint promoted,
            double wins,
            double losses,
            int texts,
            double rewardGain,
            double rewardError) {
        private double votes() {
            return wins + losses;
        }

        private double metric(Checkpoint checkpoint, String name) {
            return checkpoint.metrics().getOrDefault(name, Double.NaN);
        }

        private Map<String, Object> numbers() {
            Map<String, Object> numbers = new LinkedHashMap<>();
            numbers.put("rule", "candidate");
            numbers.put("wins", wins);
            numbers.put("losses", losses);
            numbers.put("win_probability", WinProbability.of(wins, losses));
            numbers.put("texts", texts);
            numbers.put("reward_gain", rewardGain);
            numbers.put("reward_error", rewardError);
            candidate.metrics().entrySet().stream()
                    .filter(entry -> entry.getKey().equals(KL) || entry.getKey().equals(Checkpoint.VALIDATION_LOSS))
                    .forEach(entry -> numbers.put(entry.getKey(), entry.getValue()));
            Double before = promoted.metrics().get(Checkpoint.VALIDATION_LOSS);
            if (before != null) {
                numbers.put("previous_" + Checkpoint.VALIDATION_LOSS, before);
            }
            return numbers;
        }
    }

    /** Decides; {@code patience} is how long votes are waited for. */
    static PromotionDecision decide(Evidence seen, Duration patience, Instant now) {
        double kl = seen.metric(seen.candidate(), KL);
        double loss = seen.metric(seen.candidate(), Checkpoint.VALIDATION_LOSS);
        double before = seen.metric(seen.promoted(), Checkpoint.VALIDATION_LOSS);
        double probability = WinProbability.of(seen.wins(), seen.losses());
        if (kl > MOST_KL) {
            return decision(
                    seen,
                    Outcome.REJECT,
                    now,
                    "It is %.1f nats a response from its reference, above %.0f",
                    kl,
                    MOST_KL);
        }
        if (loss > before * MOST_FORGETTING) {
            return decision(
                    seen,
                    Outcome.REJECT,
                    now,
                    "Its validation loss is %.4f after %.4f, more than 5 %% higher",
                    loss,
                    before);
        }
        if (seen.votes() >= FEWEST_VOTES) {
            return byVotes(seen, probability, now);
        }
        if (Duration.between(seen.candidate().at(), now).compareTo(patience) < 0) {
            return decision(seen, Outcome.WAIT, now, "It waits for votes: %.0f so far", seen.votes());
        }
        double surely = seen.rewardGain() - 1.96 * seen.rewardError();
        if (seen.texts() < FEWEST_TEXTS_UNSEEN) {
            return decision(seen, Outcome.WAIT, now, "Nobody votes, and only %d of its texts are scored", seen.texts());
        }
        return surely >= REWARD_UNSEEN && !(kl > MOST_KL_UNSEEN)
                ? decision(
                        seen, Outcome.PROMOTE, now, "Nobody votes, but its reward is higher by at least %.2f", surely)
                : decision(
                        seen,
                        Outcome.WAIT,
                        now,
                        "Nobody votes, and a reward that is higher by %.2f or more says too little",
                        surely);
    }

    private static PromotionDecision byVotes(Evidence seen, double probability, Instant now) {
        if (probability <= 1 - SURE) {
            return decision(
                    seen,
                    Outcome.REJECT,
                    now,
                    "People prefer the one that serves: %.1f votes to %.1f",
                    seen.losses(),
                    seen.wins());
        }
        if (probability < SURE) {
            return decision(
                    seen,
                    Outcome.WAIT,
                    now,
                    "%.1f votes to %.1f: it is better with a probability of %.2f, which takes %.2f",
                    seen.wins(),
                    seen.losses(),
                    probability,
                    SURE);
        }
        if (seen.texts() == 0) {
            return decision(seen, Outcome.WAIT, now, "People prefer it, and its texts are not scored yet");
        }
        return seen.rewardGain() > 0
                ? decision(
                        seen,
                        Outcome.PROMOTE,
                        now,
                        "%.1f votes to %.1f and a reward that is higher by %.2f",
                        seen.wins(),
                        seen.losses(),
                        seen.rewardGain())
                : decision(
                        seen,
                        Outcome.WAIT,
                        now,
                        "People prefer it, %.1f votes to %.1f, but its reward has not risen (%.2f)",
                        seen.wins(),
                        seen.losses(),
                        seen.rewardGain());
    }

    private static PromotionDecision decision(
            Evidence seen, Outcome outcome, Instant now, String reason, Object... values) {
        return new PromotionDecision(
                seen.candidate().id(),
                seen.promoted().id(),
                outcome,
                String.format(Locale.ROOT, reason, values) + ".",
                seen.numbers(),
                now.truncatedTo(ChronoUnit.MILLIS));
    }
}

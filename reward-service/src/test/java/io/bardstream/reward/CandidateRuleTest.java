package io.bardstream.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.bardstream.event.Checkpoint;
import io.bardstream.event.PromotionDecision;
import io.bardstream.event.PromotionDecision.Outcome;
import io.bardstream.event.Stage;
import io.bardstream.event.TrainingRequest;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What becomes of a candidate, by votes, by reward, and by how far it has gone. */
class CandidateRuleTest {
    private static final Duration PATIENCE = Duration.ofMinutes(10);

    /** The share of Beta(wins + 1, losses + 1) above one half: exact binomial sums for whole votes. */
    @ParameterizedTest
    @CsvSource({"0, 0, 0.5", "1, 0, 0.75", "3, 1, 0.8125", "14, 6, 0.96082", "6, 14, 0.03918", "600, 400, 1"})
    void theProbabilityIsTheMassAboveOneHalf(double wins, double losses, double probability) {
        assertThat(WinProbability.of(wins, losses)).isCloseTo(probability, within(1e-5));
    }

    @ParameterizedTest
    @CsvSource({
        "14, 6, 20, 0.5, promote", // one person, twenty votes
        "540, 460, 20, 0.5, promote", // a crowd that is nearly even, and still sure
        "12, 8, 20, 0.5, wait",
        "6, 14, 20, 0.5, reject",
        "14, 6, 20, -0.1, wait", // people like it, the judge does not
        "14, 6, 0, 0, wait",
        "3, 0, 20, 0.5, wait"
    })
    void votesDecideWhereThereAreSome(double wins, double losses, int texts, double gain, String outcome) {
        PromotionDecision decision = CandidateRule.decide(
                seen(Map.of("objective/kl", 3.0), wins, losses, texts, gain, 0.05),
                PATIENCE,
                Given.NOON.plusSeconds(60));

        assertThat(decision.outcome()).as(decision.reason()).isEqualTo(Outcome.of(outcome));
        assertThat(decision.evidence()).containsEntry("wins", wins).containsEntry("reward_gain", gain);
    }

    @ParameterizedTest
    @CsvSource({
        "20, 0.8, 0.1, 3, promote",
        "20, 0.8, 0.4, 3, wait", // that may be chance
        "20, 0.8, 0.1, 15, wait", // further away than is fit unseen
        "8, 0.8, 0.1, 3, wait"
    })
    void theJudgeDecidesAloneByAStricterBoundWhenNobodyHasVotedForAWhile(
            int texts, double gain, double error, double kl, String outcome) {
        CandidateRule.Evidence seen = seen(Map.of("objective/kl", kl), 0, 0, texts, gain, error);
        Instant later = Given.NOON.plus(PATIENCE);

        assertThat(CandidateRule.decide(seen, PATIENCE, later).outcome()).isEqualTo(Outcome.of(outcome));
        assertThat(CandidateRule.decide(seen, PATIENCE, later.minusSeconds(1)).outcome())
                .isEqualTo(Outcome.WAIT);
    }

    @Test
    void whatWentTooFarOrForgotHowToWriteIsRejectedWhateverPeopleSay() {
        Map<String, Double> far = Map.of("objective/kl", 25.0);
        Map<String, Double> forgetful = Map.of("objective/kl", 3.0, Checkpoint.VALIDATION_LOSS, 2.2);
        Map<String, Double> sound = Map.of("objective/kl", 3.0, Checkpoint.VALIDATION_LOSS, 2.0);

        assertThat(outcome(far)).isEqualTo(Outcome.REJECT);
        assertThat(outcome(forgetful)).isEqualTo(Outcome.REJECT);
        assertThat(outcome(sound)).isEqualTo(Outcome.PROMOTE);
    }

    private static Outcome outcome(Map<String, Double> metrics) {
        return CandidateRule.decide(seen(metrics, 20, 0, 20, 1, 0.1), PATIENCE, Given.NOON)
                .outcome();
    }

    private static CandidateRule.Evidence seen(
            Map<String, Double> metrics, double wins, double losses, int texts, double gain, double error) {
        return new CandidateRule.Evidence(
                checkpoint("candidate", Stage.PPO, metrics),
                checkpoint("promoted", Stage.SFT, Map.of(Checkpoint.VALIDATION_LOSS, 2.0)),
                wins,
                losses,
                texts,
                gain,
                error);
    }

    private static Checkpoint checkpoint(String id, Stage stage, Map<String, Double> metrics) {
        return new Checkpoint(
                id,
                Checkpoint.POLICY,
                stage,
                null,
                "run",
                TrainingRequest.CURRICULUM,
                1,
                "dataset",
                Given.SHA256,
                "run/" + id,
                Given.SHA256,
                metrics,
                Given.NOON);
    }
}

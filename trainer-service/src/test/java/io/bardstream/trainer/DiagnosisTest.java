package io.bardstream.trainer;

import static org.assertj.core.api.Assertions.assertThat;

import io.bardstream.event.Hyperparameters;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.LongToDoubleFunction;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/** Curves made by hand, each with what a learner should be told about it. */
class DiagnosisTest {
    private static final double RATE = 1e-3;

    private final Map<String, Object> settings = new TreeMap<>(
            Map.of("learning_rate", RATE, "steps", 1_000, "warmup_steps", 20, "gradient_clip", 0, "dropout", 0.1));
    private final Random noise = new Random(1);
    private final Map<Long, String> told = new TreeMap<>();
    private boolean fresh = true;
    private Diagnosis diagnosis;

    @Test
    void aHealthyCurveIsNotCommentedOn() {
        steps(1_000, DiagnosisTest::healthy, step -> healthy(step) + 0.1);
        assertThat(told).isEmpty();
    }

    @Test
    void aRestAtTheEndOfTheScheduleIsNoFault() {
        begin();
        for (long step = 1; step <= 1_000; step++) {
            diagnosis.stepped(step, step < 400 ? RATE : RATE / 3, healthy(Math.min(step, 400)) + noise());
        }
        assertThat(diagnosis.verdict()).isEmpty();
    }

    @Test
    void anExplosionNamesWhereItBeganAndTheKnobs() {
        // When the loss climbs from step 300 on, five hundredths of a nat a step
        steps(500, step -> healthy(step) + Math.max(0, step - 300) * 0.05, step -> 4);

        // Then it is told soon, and to the end
        assertThat(diagnosis.verdict().orElseThrow())
                .startsWith("The loss explodes")
                .containsPattern("at step (29|30)\\d\\.")
                .contains("learning_rate (now 0.001)", "warmup_steps (now 20)", "gradient_clip to 1")
                .doesNotContain("muon");
        assertThat(told.entrySet().stream()
                        .filter(each -> each.getValue().startsWith("The loss explodes"))
                        .findFirst()
                        .orElseThrow()
                        .getKey())
                .isBetween(305L, 330L);
    }

    @Test
    void anExplosionThatPassesIsForgiven() {
        steps(900, step -> healthy(step) + (step > 300 && step < 360 ? 2 : 0), step -> healthy(step) + 0.1);
        assertThat(told.values()).anyMatch(words -> words.startsWith("The loss explodes"));
        assertThat(diagnosis.verdict()).isEmpty();
    }

    @Test
    void withMuonBothRatesAreNamedAndASetClipIsNot() {
        settings.putAll(Map.of("optimizer", "muon", "muon_learning_rate", 0.02, "gradient_clip", 1));
        steps(500, step -> healthy(step) + Math.max(0, step - 300) * 0.05, step -> 4);
        assertThat(diagnosis.verdict().orElseThrow())
                .contains("learning_rate (now 0.001) and muon_learning_rate (now 0.02)")
                .doesNotContain("gradient_clip");
    }

    @Test
    void aJumpNamesItsStepAndWhereItsBatchStandsInTheText() {
        // Given twelve windows a step
        steps(250, step -> step == 200 ? 7 : healthy(step), step -> healthy(step) + 0.1);

        // Then
        assertThat(told.get(200L))
                .startsWith("The loss jumped at step 200: 7.0")
                .contains("begin at token 2000, 2001, 2002, 2003, 2004, 2005, 2006, 2007 and 4 more");
        assertThat(diagnosis.verdict()).contains(told.get(200L)); // unchanged for as long as it is told
        steps(251, 350, DiagnosisTest::healthy, step -> healthy(step) + 0.1);
        assertThat(diagnosis.verdict()).isEmpty();
    }

    @Test
    void eachJumpIsToldAnew() {
        steps(250, step -> step == 200 || step == 230 ? 7 : healthy(step), step -> healthy(step) + 0.1);
        assertThat(told.get(200L)).contains("at step 200");
        assertThat(told.get(230L)).contains("at step 230");
    }

    @Test
    void overfittingNamesTheBestStep() {
        // When validation is best at step 400 and rises from there
        steps(900, DiagnosisTest::healthy, step -> healthy(Math.min(step, 400)) + Math.max(0, step - 400) * 0.001);

        // Then it is told at the third evaluation that is worse
        assertThat(told.keySet()).containsExactly(700L);
        assertThat(diagnosis.verdict().orElseThrow())
                .startsWith("The run overfits since step 400")
                .contains(
                        "The checkpoint of step 400 is the best", "dropout (now 0.1)", "steps (now 1000)", "patience");
    }

    @Test
    void aValidationLossThatRisesWithTheTrainingLossIsNoOverfitting() {
        steps(
                900,
                step -> healthy(Math.min(step, 400)) + Math.max(0, step - 400) * 0.0005,
                step -> healthy(Math.min(step, 400)) + Math.max(0, step - 400) * 0.001);
        assertThat(told.values()).noneMatch(words -> words.contains("overfits"));
    }

    @Test
    void aLossThatStandsStillAsksForAnotherRate() {
        steps(600, step -> 4.2, step -> 4.2);
        assertThat(diagnosis.verdict().orElseThrow())
                .startsWith("The loss stands still: 4.2")
                .contains("learning_rate (now 0.001)", "--sweep learning_rate=0.00033,0.003");
        assertThat(told.keySet()).containsExactly(320L); // three tenths of the run, after the warm-up
    }

    @Test
    void aRunOfThreeHundredStepsIsLongEnoughToStandStill() {
        settings.put("steps", 300);
        steps(150, step -> 4.2, step -> 4.2);
        assertThat(diagnosis.verdict().orElseThrow()).startsWith("The loss stands still");
    }

    @Test
    void activationsThatSwellNameTheirLayer() {
        begin();
        diagnosis.measured(100, RATE, List.of(0.01, 0.01), List.of(98.0, 420.0));
        assertThat(diagnosis.verdict().orElseThrow())
                .startsWith("The activations swell: 420 after layer 2 at step 100")
                .contains("learning_rate (now 0.001)", "warmup_steps (now 20)");
        diagnosis.measured(200, RATE, List.of(0.01, 0.01), List.of(2.0, 3.0));
        assertThat(diagnosis.verdict()).isEmpty();
    }

    @Test
    void weightsThatHardlyMoveAskForAHigherRate() {
        begin();
        diagnosis.measured(10, RATE, List.of(1e-5, 2e-5, 3e-5), List.of(1.0, 1.0, 1.0));
        assertThat(diagnosis.verdict()).isEmpty(); // in the warm-up
        diagnosis.measured(900, RATE / 3, List.of(1e-5, 2e-5, 3e-5), List.of(1.0, 1.0, 1.0));
        assertThat(diagnosis.verdict()).isEmpty(); // the schedule's end
        diagnosis.measured(100, RATE, List.of(1e-3, 2e-4, 3e-4), List.of(1.0, 1.0, 1.0));
        assertThat(diagnosis.verdict().orElseThrow())
                .startsWith("The weights hardly move: a step changes them by 0.0003 of their size at step 100")
                .contains("Raise learning_rate (now 0.001)", "--sweep learning_rate=0.003,0.01");
    }

    @Test
    void aParentsWeightsMayBeLargeAndMoveLittle() {
        fresh = false;
        begin();
        diagnosis.measured(100, RATE, List.of(1e-5, 1e-5), List.of(500.0, 500.0));
        assertThat(diagnosis.verdict()).isEmpty();
    }

    @Test
    void muonsWeightsAreNotJudgedByTheirRatio() {
        settings.put("optimizer", "muon");
        begin();
        diagnosis.measured(100, RATE, List.of(1e-5, 1e-5), List.of(1.0, 1.0));
        assertThat(diagnosis.verdict()).isEmpty();
    }

    private static double healthy(long step) {
        return 2 + 4 * Math.exp(-step / 400.0);
    }

    private double noise() {
        return 0.05 * noise.nextGaussian();
    }

    private void begin() {
        diagnosis = new Diagnosis(
                Hyperparameters.DEFAULTS.with(settings), fresh, step -> LongStream.range(step * 10, step * 10 + 12)
                        .toArray());
    }

    /** Follows a curve of the training loss, with noise on it, and evaluates every hundred steps. */
    private void steps(long last, LongToDoubleFunction training, LongToDoubleFunction validation) {
        begin();
        steps(1, last, training, validation);
    }

    private void steps(long first, long last, LongToDoubleFunction training, LongToDoubleFunction validation) {
        for (long step = first; step <= last; step++) {
            String before = diagnosis.verdict().orElse("");
            diagnosis.stepped(step, RATE, training.applyAsDouble(step) + noise());
            if (step % 100 == 0) {
                diagnosis.evaluated(step, validation.applyAsDouble(step));
            }
            String now = diagnosis.verdict().orElse("");
            if (!now.isEmpty() && !now.equals(before)) {
                told.put(step, now);
            }
        }
    }
}

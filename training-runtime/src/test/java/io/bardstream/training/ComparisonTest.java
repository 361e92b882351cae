package io.bardstream.training;

import static org.assertj.core.api.Assertions.assertThat;

import io.bardstream.checkpoint.Lineage;
import io.bardstream.event.Stage;
import io.bardstream.event.TrainingRequest;
import io.bardstream.training.Comparison.Trained;
import io.bardstream.training.Comparison.Verdict;
import io.bardstream.training.Comparison.Weights;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** When two runs are the same, when they are not, and when that cannot be said. */
class ComparisonTest {
    private static final Lineage.Engine HERE =
            new Lineage.Engine("float32", 2, "cpu()", "libtorch 2.7.1", "a".repeat(64), "avx512f");
    private static final Lineage.Engine OLDER_MACHINE =
            new Lineage.Engine("float32", 2, "cpu()", "libtorch 2.7.1", "a".repeat(64), "avx2");

    private final Trained original = trained(RunStatus.SUCCEEDED, "1", Map.of(), lineage(HERE, "0.1.0+a", List.of()));

    @Test
    void theSameBitsAreEqualWhateverComputedThem() {
        assertThat(compare(trained(RunStatus.SUCCEEDED, "1", Map.of(), lineage(HERE, "0.1.0+a", List.of())))
                        .verdict())
                .isEqualTo(Verdict.EQUAL);
        assertThat(compare(trained(RunStatus.SUCCEEDED, "1", Map.of(), lineage(OLDER_MACHINE, "0.1.0+b", List.of())))
                        .verdict())
                .isEqualTo(Verdict.EQUAL);
        assertThat(compare(trained(RunStatus.SUCCEEDED, "1", Map.of(), null)).verdict())
                .isEqualTo(Verdict.EQUAL);
    }

    @Test
    void otherBitsFromTheSameAreDifferent() {
        Comparison comparison =
                compare(trained(RunStatus.SUCCEEDED, "2", Map.of(), lineage(HERE, "0.1.0+a", List.of())));

        assertThat(comparison.verdict()).isEqualTo(Verdict.DIFFERENT);
        assertThat(comparison.says()).startsWith("different: the same settings").contains("last and the best");
    }

    @Test
    void otherBitsFromAnotherMachineOrCodeAreNotComparableAndItSaysWhy() {
        Comparison comparison =
                compare(trained(RunStatus.SUCCEEDED, "2", Map.of(), lineage(OLDER_MACHINE, "0.1.0+b", List.of())));

        assertThat(comparison.verdict()).isEqualTo(Verdict.NOT_COMPARABLE);
        assertThat(comparison.says())
                .isEqualTo("not comparable: code version (0.1.0+a there, 0.1.0+b here);"
                        + " instruction set (avx512f there, avx2 here)");
    }

    @Test
    void otherSettingsAreNeverEqual() {
        Comparison comparison =
                compare(trained(RunStatus.SUCCEEDED, "1", Map.of("threads", 4), lineage(HERE, "0.1.0+a", List.of())));

        assertThat(comparison.verdict()).isEqualTo(Verdict.NOT_COMPARABLE);
        assertThat(comparison.settings()).containsExactly(new Comparison.Difference("threads", "1", "4"));
    }

    @Test
    void whatIsNotKnownAnyMoreIsSaid() {
        assertThat(compare(trained(RunStatus.SUCCEEDED, "2", Map.of(), null)).says())
                .contains("engine (– there, unknown, the checkpoint folders of again are gone here)");
        Trained unknown = trained("run", RunStatus.SUCCEEDED, "1", Map.of(), null);
        assertThat(Comparison.of(unknown, trained(RunStatus.SUCCEEDED, "2", Map.of(), null))
                        .verdict())
                .isEqualTo(Verdict.NOT_COMPARABLE);
    }

    @Test
    void aRunThatWasMovedInItsCourseIsNotMadeAgainByOneEngine() {
        Lineage moved = lineage(HERE, "0.1.0+a", List.of(new Lineage.Stretch(10, OLDER_MACHINE, "0.1.0+a")));

        assertThat(compare(trained(RunStatus.SUCCEEDED, "2", Map.of(), moved)).says())
                .contains("steps up to 10 (– there, by 0.1.0+a on avx2, cpu() here)");
    }

    @Test
    void aRunThatDidNotEndWellIsNotComparable() {
        assertThat(compare(trained(RunStatus.FAILED, "1", Map.of(), null)).says())
                .startsWith("not comparable: the replay is failed at step 20");
    }

    private Comparison compare(Trained replay) {
        return Comparison.of(original, replay);
    }

    private static Trained trained(RunStatus status, String digit, Map<String, ?> settings, Lineage lineage) {
        return trained("again", status, digit, settings, lineage);
    }

    private static Trained trained(
            String run, RunStatus status, String digit, Map<String, ?> settings, Lineage lineage) {
        Weights weights = new Weights("c", 20, digit.repeat(64));
        TrainingRequest request = new TrainingRequest(
                run,
                Stage.PRETRAIN,
                "dataset",
                "tiny",
                null,
                null,
                new CountingStage(null).hyperparameters("tiny", null, Map.of()).with(settings),
                1,
                null,
                "test",
                Instant.EPOCH);
        return new Trained(run, status, 20, 20, 3.0, null, 1.0, weights, weights, request, lineage);
    }

    private static Lineage lineage(Lineage.Engine engine, String code, List<Lineage.Stretch> earlier) {
        return new Lineage("c", 20, null, null, null, engine, code, earlier, Instant.EPOCH, Instant.EPOCH, null);
    }
}

package io.bardstream.reward;

import static io.bardstream.reward.Given.NOON;
import static io.bardstream.reward.Given.checkpoint;
import static io.bardstream.reward.Given.dataset;
import static org.assertj.core.api.Assertions.assertThat;

import io.bardstream.event.Checkpoint;
import io.bardstream.event.Dataset;
import io.bardstream.event.Promotion;
import io.bardstream.event.Stage;
import io.bardstream.event.TrainingRequest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PromotionRuleTest {
    private static final Dataset OLD = dataset("old", NOON);
    private static final Dataset NEW = dataset("new", NOON.plusSeconds(60));
    private static final Dataset FIRST_INSTRUCTIONS = dataset("i1", NOON.plusSeconds(10));
    private static final Dataset SECOND_INSTRUCTIONS = dataset("i2", NOON.plusSeconds(20));
    private static final Instant NOW = NOON.plusSeconds(3600);

    @Test
    void theFirstIsPromoted() {
        Promotion due = due(List.of(checkpoint("c1", "old", 100, 3.25)), Optional.empty())
                .orElseThrow();

        assertThat(due.model()).isEqualTo("bardstream");
        assertThat(due.checkpoint()).isEqualTo("c1");
        assertThat(due.previous()).isNull();
        assertThat(due.reason()).contains("3.2500 bits per byte");
        assertThat(due.evidence())
                .containsEntry("rule", "best-policy")
                .containsEntry("bits_per_byte", 3.25)
                .containsEntry("dataset", "old")
                .containsEntry("step", 100L);
        assertThat(due.at()).isEqualTo(NOW);
    }

    @Test
    void aBetterOneOfTheSameDatasetIsPromotedAndSaysThanWhat() {
        // Given
        List<Checkpoint> checkpoints = List.of(checkpoint("c1", "old", 100, 3.25), checkpoint("c2", "old", 200, 3.0));
        Promotion serving = due(checkpoints.subList(0, 1), Optional.empty()).orElseThrow();

        // When
        Promotion due = due(checkpoints, Optional.of(serving)).orElseThrow();

        // Then
        assertThat(due.checkpoint()).isEqualTo("c2");
        assertThat(due.previous()).isEqualTo("c1");
        assertThat(due.reason()).contains("c1").contains("3.0000").contains("3.2500");
        assertThat(due.evidence()).containsEntry("previous_bits_per_byte", 3.25);
    }

    @Test
    void anEqualOrWorseOneIsNot() {
        // Given
        List<Checkpoint> checkpoints = List.of(
                checkpoint("c1", "old", 100, 3.0),
                checkpoint("c2", "old", 200, 3.0),
                checkpoint("c3", "old", 300, 3.5));
        Promotion serving = due(checkpoints.subList(0, 1), Optional.empty()).orElseThrow();

        // When, then
        assertThat(due(checkpoints, Optional.of(serving))).isEmpty();
    }

    @Test
    void ofEqualsTheEarlierStepIsPromoted() {
        List<Checkpoint> checkpoints = List.of(checkpoint("a", "old", 200, 3.0), checkpoint("b", "old", 100, 3.0));
        assertThat(due(checkpoints, Optional.empty()).orElseThrow().checkpoint())
                .isEqualTo("b");
    }

    @Test
    void aNewerDatasetsIsPromotedThoughItIsWorse() {
        // Given
        List<Checkpoint> checkpoints = List.of(checkpoint("c1", "old", 100, 2.0), checkpoint("n1", "new", 100, 4.0));
        Promotion serving = due(checkpoints.subList(0, 1), Optional.empty()).orElseThrow();

        // When
        Promotion due = due(checkpoints, Optional.of(serving)).orElseThrow();

        // Then
        assertThat(due.checkpoint()).isEqualTo("n1");
        assertThat(due.reason()).contains("new is newer");
        assertThat(due.evidence()).containsEntry("dataset", "new").containsEntry("previous_dataset", "old");
    }

    @Test
    void anOlderDatasetsIsNotThoughItIsBetter() {
        List<Checkpoint> checkpoints = List.of(checkpoint("n1", "new", 100, 4.0), checkpoint("c1", "old", 100, 2.0));
        Promotion serving = due(checkpoints.subList(0, 1), Optional.empty()).orElseThrow();
        assertThat(due(checkpoints, Optional.of(serving))).isEmpty();
    }

    @Test
    void askedAgainAfterItsOwnPromotionItHasNothingToAdd() {
        List<Checkpoint> checkpoints = List.of(checkpoint("c1", "old", 100, 3.0), checkpoint("n1", "new", 100, 4.0));
        Optional<Promotion> serving = due(checkpoints, Optional.empty());
        assertThat(serving).isPresent();
        assertThat(due(checkpoints, serving)).isEmpty();
    }

    @Test
    void whatWasPromotedByHandStandsUntilThereIsANewerDataset() {
        // Given
        List<Checkpoint> checkpoints = List.of(checkpoint("c1", "old", 100, 3.0), checkpoint("n1", "new", 100, 4.0));
        Promotion afterBoth = Given.byHand("c1", NOON.plusSeconds(120));
        Promotion beforeNew = Given.byHand("mine", NOON.plusSeconds(30));

        // When, then
        assertThat(due(checkpoints, Optional.of(afterBoth))).isEmpty();
        Promotion due = due(checkpoints, Optional.of(beforeNew)).orElseThrow();
        assertThat(due.checkpoint()).isEqualTo("n1");
        assertThat(due.previous()).isEqualTo("mine");
    }

    @ParameterizedTest
    @ValueSource(strings = {"reward", "dpo", "ppo"})
    void anotherStageIsNotPromoted(String stage) {
        Checkpoint other = checkpoint("c", "old", 1, 1.0, Stage.of(stage), "curriculum");
        assertThat(due(List.of(other), Optional.empty())).isEmpty();
    }

    @Test
    void aTunedOneIsPromotedBeforeThePretrainedItComesFrom() {
        // Given
        Checkpoint base = checkpoint("c1", "old", 100, 2.0);
        Checkpoint tuned = tuned("s1", "i1", 10, 3.0, "c1");
        Promotion serving = due(List.of(base), Optional.empty()).orElseThrow();

        // When
        Promotion due = due(List.of(base, tuned), Optional.of(serving)).orElseThrow();

        // Then it serves, and a better pretrained one does not take its place
        assertThat(due.checkpoint()).isEqualTo("s1");
        assertThat(due.reason()).contains("follows instructions, which c1 does not");
        assertThat(due.evidence()).containsEntry("stage", "sft");
        assertThat(due(List.of(base, tuned, checkpoint("c2", "old", 200, 1.0)), Optional.of(due)))
                .isEmpty();
        assertThat(due(List.of(base, tuned, tuned("s2", "i1", 20, 2.5, "c1")), Optional.of(due)))
                .map(Promotion::checkpoint)
                .contains("s2");
        assertThat(due(List.of(base, tuned, tuned("s2", "i2", 20, 4.5, "c1")), Optional.of(due)))
                .map(Promotion::reason)
                .hasValueSatisfying(reason -> assertThat(reason).contains("i2 is newer"));
    }

    @Test
    void aNewerTextsModelTakesThePlaceOfATunedOne() {
        List<Checkpoint> checkpoints = List.of(
                checkpoint("c1", "old", 100, 2.0), tuned("s1", "i2", 10, 3.0, "c1"), checkpoint("n1", "new", 100, 4.0));
        Promotion serving = due(checkpoints.subList(0, 2), Optional.empty()).orElseThrow();

        Promotion due = due(checkpoints, Optional.of(serving)).orElseThrow();

        assertThat(serving.checkpoint()).isEqualTo("s1");
        assertThat(due.checkpoint()).isEqualTo("n1");
        assertThat(due.reason()).contains("new is newer");
    }

    @Test
    void aTunedOneWhoseAncestorIsNotKnownWaits() {
        assertThat(due(List.of(tuned("s1", "i1", 10, 3.0, "c1")), Optional.empty()))
                .isEmpty();
        assertThat(due(List.of(tuned("s1", "i1", 10, 3.0, "s1")), Optional.empty()))
                .isEmpty();
        assertThat(due(List.of(tuned("s1", "i1", 10, 3.0, null)), Optional.empty()))
                .isEmpty();
    }

    @Test
    void aRunAskedForByHandIsNotPromoted() {
        Checkpoint manual = checkpoint("c", "old", 1, 1.0, Stage.PRETRAIN, "someone");
        assertThat(due(List.of(manual), Optional.empty())).isEmpty();
    }

    @Test
    void whatWasNotMeasuredOrWhoseDatasetIsNotKnownIsNotPromoted() {
        assertThat(due(List.of(checkpoint("c", "old", 1, null)), Optional.empty()))
                .isEmpty();
        assertThat(due(List.of(checkpoint("c", "old", 1, Double.NaN)), Optional.empty()))
                .isEmpty();
        assertThat(due(List.of(checkpoint("c", "unknown", 1, 1.0)), Optional.empty()))
                .isEmpty();
        assertThat(due(List.of(checkpoint("c", null, 1, 1.0)), Optional.empty()))
                .isEmpty();
    }

    @Test
    void whileItsOwnPromotionsCheckpointIsNotKnownItWaits() {
        List<Checkpoint> checkpoints = List.of(checkpoint("c1", "old", 100, 3.0));
        Promotion serving = due(checkpoints, Optional.empty()).orElseThrow();
        assertThat(due(List.of(checkpoint("c2", "old", 200, 3.5)), Optional.of(serving)))
                .isEmpty();
    }

    /** In whatever order the facts come, and however often, the same checkpoint serves in the end. */
    @Test
    void theOrderOfArrivalDoesNotMatter() {
        // Given
        List<Object> facts = new ArrayList<>(List.of(OLD, NEW, FIRST_INSTRUCTIONS));
        for (int i = 0; i < 6; i++) {
            facts.add(checkpoint("o" + i, "old", i, 3.0 - i * 0.1));
            facts.add(checkpoint("n" + i, "new", i, 4.0 - (i % 4) * 0.1));
            facts.add(tuned("t" + i, "i1", i, 5.0 - (i % 3) * 0.1, i < 3 ? "o5" : "n3"));
        }
        facts.addAll(List.copyOf(facts));
        Random random = new Random(1);

        for (int trial = 0; trial < 200; trial++) {
            // When
            Collections.shuffle(facts, random);
            Map<String, Dataset> datasets = new HashMap<>();
            Map<String, Checkpoint> checkpoints = new HashMap<>();
            List<String> promoted = new ArrayList<>();
            Optional<Promotion> serving = Optional.empty();
            for (Object fact : facts) {
                if (fact instanceof Dataset dataset) {
                    datasets.put(dataset.id(), dataset);
                } else if (fact instanceof Checkpoint checkpoint) {
                    checkpoints.put(checkpoint.id(), checkpoint);
                }
                Optional<Promotion> due = PromotionRule.due(checkpoints.values(), datasets, serving, NOW);
                due.ifPresent(promotion -> promoted.add(promotion.checkpoint()));
                serving = due.or(promotedBefore(serving));
            }

            // Then
            assertThat(serving.orElseThrow().checkpoint()).isEqualTo("t5");
            assertThat(promoted).doesNotHaveDuplicates();
        }
    }

    private static Supplier<Optional<Promotion>> promotedBefore(Optional<Promotion> serving) {
        return () -> serving;
    }

    private static Optional<Promotion> due(List<Checkpoint> checkpoints, Optional<Promotion> serving) {
        Map<String, Dataset> datasets =
                Map.of("old", OLD, "new", NEW, "i1", FIRST_INSTRUCTIONS, "i2", SECOND_INSTRUCTIONS);
        return PromotionRule.due(checkpoints, datasets, serving, NOW);
    }

    private static Checkpoint tuned(String id, String dataset, long step, double bitsPerByte, String parent) {
        return checkpoint(id, dataset, step, bitsPerByte, Stage.SFT, TrainingRequest.CURRICULUM, parent);
    }
}

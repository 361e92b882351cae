package io.bardstream.event;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class CurriculumTest {
    private static final String SHA = "0123456789abcdef".repeat(4);
    private final Hyperparameters defaults = EventJsonTest.hyperparameters();

    @Test
    void aRunIsTheSameOnAMachineWithMoreProcessorsOrAnotherNumberFormat() {
        String id = pretrain(defaults).runId();

        assertThat(pretrain(defaults.with(Map.of("threads", 64))).runId()).isEqualTo(id);
        assertThat(pretrain(defaults.with(Map.of("dtype", "float32"))).runId()).isEqualTo(id);
        assertThat(pretrain(defaults.with(Map.of("learning_rate", 1))).runId()).isNotEqualTo(id);
    }

    @Test
    void itsRequestSaysHowItIsComputedHere() {
        assertThat(pretrain(defaults.with(Map.of("threads", 64)))
                        .hyperparameters()
                        .threads())
                .isEqualTo(64);
    }

    @Test
    void instructionsTuneAFinishedPretrainOfTheVocabularyTheyAreInOrExtend() {
        TrainingRequest tuning = fineTune(SHA, Stage.PRETRAIN).orElseThrow();

        assertThat(tuning.stage()).isEqualTo(Stage.SFT);
        assertThat(tuning.parent()).isEqualTo("pretrain-1");
        assertThat(tuning.requestedBy()).isEqualTo(TrainingRequest.CURRICULUM);
        assertThat(fineTune(SHA, Stage.PRETRAIN).orElseThrow().runId()).isEqualTo(tuning.runId());
        assertThat(fineTune("b".repeat(64), Stage.PRETRAIN)).isEmpty();
        assertThat(fineTune(SHA, Stage.SFT)).isEmpty();
    }

    /** In a vocabulary that extends {@code SHA}'s, from a checkpoint in the one given. */
    private static Optional<TrainingRequest> fineTune(String parentsVocabulary, Stage parentsStage) {
        String chat = "c".repeat(64);
        Dataset dataset = new Dataset(
                "i",
                DatasetKind.INSTRUCT,
                SHA,
                "chat",
                chat,
                16,
                List.of(new Dataset.Split("train", 1, 1, 1, SHA, List.of())),
                Instant.EPOCH);
        TokenizerPublished tokenizer =
                new TokenizerPublished("chat", "chat", SHA, 16, Map.of(), chat, "{}", Instant.EPOCH);
        Checkpoint parent = new Checkpoint(
                "pretrain-1",
                Checkpoint.POLICY,
                parentsStage,
                null,
                "run",
                TrainingRequest.CURRICULUM,
                10,
                "d",
                parentsVocabulary,
                "run/pretrain-1",
                SHA,
                Map.of(),
                Instant.EPOCH);
        return Curriculum.fineTune(
                dataset, tokenizer, parent, "tiny", EventJsonTest.hyperparameters(), Clock.systemUTC());
    }

    private static TrainingRequest pretrain(Hyperparameters hyperparameters) {
        Dataset dataset = new Dataset(
                "d",
                DatasetKind.PRETRAIN,
                SHA,
                "t",
                SHA,
                10,
                List.of(new Dataset.Split("train", 1, 1, 1, SHA, List.of())),
                Instant.EPOCH);
        return Curriculum.pretrain(dataset, "tiny", hyperparameters, Clock.systemUTC())
                .orElseThrow();
    }
}

package io.bardstream.event;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Map;
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

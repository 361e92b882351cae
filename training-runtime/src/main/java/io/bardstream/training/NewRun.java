package io.bardstream.training;

import com.fasterxml.jackson.annotation.JsonAnySetter;
import io.bardstream.event.Stage;
import java.util.List;
import java.util.Map;

/**
 * The body of {@code POST /v1/runs}. Only stage and dataset must be there.
 *
 * @param preset the configured one if left out; with a parent, the parent's shape counts
 * @param hyperparameters those that differ from the preset's
 * @param prompts texts that PPO has answered; those of the dataset if left out
 * @param memory bytes that the training may take; what is free if left out
 * @param fit whether to choose the micro-batch that fits, rather than to be refused; no if left out
 * @param unknown every other key, to be refused: a misspelt setting must not be dropped in silence
 */
public record NewRun(
        Stage stage,
        String dataset,
        String preset,
        String parent,
        String reward,
        Long seed,
        Map<String, Object> hyperparameters,
        List<String> prompts,
        Long memory,
        Boolean fit,
        @JsonAnySetter Map<String, Object> unknown) {
    /** The same request with these. */
    public NewRun with(String datasetId, String parentId, Map<String, Object> settings) {
        return new NewRun(stage, datasetId, preset, parentId, reward, seed, settings, prompts, memory, fit, unknown);
    }
}

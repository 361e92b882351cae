package io.bardstream.event;

import java.time.Instant;
import java.util.List;

/**
 * Asks for a run. Together with the records it names it determines the resulting weights: every default is resolved before
 * it is published.
 *
 * @param runId a hash for the curriculum's runs, a UUID for those asked for by hand; the first request of an id wins
 * @param dataset id of the dataset
 * @param preset name of the model's shape; where there is a parent the shape is the parent's
 * @param parent checkpoint to start from, or null for fresh weights
 * @param reward for PPO, the reward model that judges; null in other stages
 * @param seed of initialisation, sampling and dropout
 * @param replayOf run that this one repeats, or null
 * @param until offset before which a block of the training split must lie to be trained on; null for the whole split
 * @param requestedBy {@link #CURRICULUM}, or who asked
 * @param prompts texts that PPO has answered; null for those of the dataset, and in other stages
 * @param excludedAnnotators people whose votes do not count, of a dataset of preferences; null for none
 */
public record TrainingRequest(
        String runId,
        Stage stage,
        String dataset,
        String preset,
        String parent,
        String reward,
        Hyperparameters hyperparameters,
        long seed,
        String replayOf,
        Long until,
        String requestedBy,
        Instant at,
        List<String> prompts,
        List<String> excludedAnnotators) {

    /** Who asked, where the system asked by itself. Only such runs are promoted by themselves. */
    public static final String CURRICULUM = "curriculum";

    public TrainingRequest {
        Fields.id(runId, "run_id");
        Fields.required(stage, "stage");
        Fields.id(dataset, "dataset");
        Fields.text(preset, "preset");
        Fields.optionalId(parent, "parent");
        Fields.optionalId(reward, "reward");
        Fields.required(hyperparameters, "hyperparameters");
        Fields.optionalId(replayOf, "replay_of");
        Fields.text(requestedBy, "requested_by");
        Fields.require(until == null || until > 0, "until", until + " is no offset before which a block could lie");
        Fields.required(at, "at");
        prompts = prompts == null ? null : List.copyOf(prompts);
        Fields.require(
                prompts == null || (!prompts.isEmpty() && prompts.stream().noneMatch(String::isBlank)),
                "prompts",
                "there is none, or an empty one");
        excludedAnnotators =
                excludedAnnotators == null || excludedAnnotators.isEmpty() ? null : List.copyOf(excludedAnnotators);
    }

    /** A request for the whole training split, without prompts. */
    public TrainingRequest(
            String runId,
            Stage stage,
            String dataset,
            String preset,
            String parent,
            String reward,
            Hyperparameters hyperparameters,
            long seed,
            String replayOf,
            String requestedBy,
            Instant at) {
        this(
                runId,
                stage,
                dataset,
                preset,
                parent,
                reward,
                hyperparameters,
                seed,
                replayOf,
                null,
                requestedBy,
                at,
                null,
                null);
    }

    /** The same with other hyperparameters. */
    public TrainingRequest with(Hyperparameters changed) {
        return new TrainingRequest(
                runId,
                stage,
                dataset,
                preset,
                parent,
                reward,
                changed,
                seed,
                replayOf,
                until,
                requestedBy,
                at,
                prompts,
                excludedAnnotators);
    }
}

package io.bardstream.training;

import io.bardstream.checkpoint.CheckpointStore;
import io.bardstream.checkpoint.Lineage;
import io.bardstream.checkpoint.ModelConfig;
import java.util.Map;

/**
 * What a stage gives to be saved.
 *
 * @param step optimizer steps done
 * @param best whether the weights are the run's best so far: they are announced, others serve only to resume
 * @param config of the model
 * @param engine that computed it
 * @param metrics what a replay measures again, by name: losses and counts
 * @param tensors writes weights and optimizer state into the folder
 */
public record Snapshot(
        long step,
        boolean best,
        ModelConfig config,
        Lineage.Engine engine,
        Map<String, Double> metrics,
        CheckpointStore.Contents tensors) {}

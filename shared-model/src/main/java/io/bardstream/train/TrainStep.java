package io.bardstream.train;

import io.bardstream.gpt.Gpt;
import java.nio.file.Path;
import java.util.List;

/**
 * One training step: forward, objective, backward and accumulation for each micro-batch, then clipping and the optimizer's update. It is
 * a pure function of the weights, the optimizer's state, the seed, the step number and the batches. One thread at a time.
 */
public final class TrainStep implements AutoCloseable {
    /**
     * @param dropout share of activations dropped on embeddings and residual branches, in [0, 1)
     * @param seed of the dropout masks
     */
    public TrainStep(Gpt gpt, OptimizerSettings optimizer, double dropout, long seed) {
        throw new UnsupportedOperationException("TrainStep");
    }

    /**
     * Takes a step.
     *
     * @param step its number, which selects the dropout masks
     * @throws NotFiniteException if loss or gradient is not finite; the weights are then as before
     */
    public StepResult step(long step, double learningRate, List<Batch> microBatches) {
        throw new UnsupportedOperationException("TrainStep.step");
    }

    /** Writes the optimizer's state, for exact resume. */
    public void saveOptimizer(Path file) {
        throw new UnsupportedOperationException("TrainStep.saveOptimizer");
    }

    /** Reads what {@link #saveOptimizer} wrote. */
    public void loadOptimizer(Path file) {
        throw new UnsupportedOperationException("TrainStep.loadOptimizer");
    }

    @Override
    public void close() {}
}

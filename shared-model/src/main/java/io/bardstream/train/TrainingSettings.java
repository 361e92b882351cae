package io.bardstream.train;

import io.bardstream.kernel.Precision;
import io.bardstream.train.LrSchedule.Decay;
import io.bardstream.train.OptimizerSettings.Kind;

/**
 * Every knob of a next-token training, with the names of the hyperparameters in camel case. A preset holds one of these; a request
 * overrides single values of it.
 *
 * @param optimizer AdamW, or Muon for the hidden matrices with AdamW for the rest
 * @param learningRate peak of the schedule
 * @param minLearningRate where the schedule ends
 * @param decay its curve
 * @param warmupSteps steps of linear warm-up
 * @param steps optimizer steps in all
 * @param batchSize sequences of a micro-batch
 * @param gradientAccumulation micro-batches of a step
 * @param contextLength tokens of a sequence, at most the model's
 * @param gradientClip largest global gradient norm, 0 for none
 * @param dropout on embeddings and residual branches
 * @param evaluationInterval steps between evaluations on the validation split
 * @param evaluationBatches batches of an evaluation, 0 for the whole split
 * @param checkpointInterval steps between checkpoints that are written whatever the loss
 * @param sampleInterval steps between printed samples
 * @param patience evaluations without a better loss before the run stops, 0 for never
 */
public record TrainingSettings(
        Kind optimizer,
        double learningRate,
        double minLearningRate,
        Decay decay,
        int warmupSteps,
        int steps,
        int batchSize,
        int gradientAccumulation,
        int contextLength,
        double weightDecay,
        double beta1,
        double beta2,
        double epsilon,
        double gradientClip,
        double dropout,
        int evaluationInterval,
        int evaluationBatches,
        int checkpointInterval,
        int sampleInterval,
        Precision precision,
        int patience) {
    public TrainingSettings {
        positive("batch_size", batchSize);
        positive("gradient_accumulation", gradientAccumulation);
        positive("context_length", contextLength);
        positive("evaluation_interval", evaluationInterval);
        positive("checkpoint_interval", checkpointInterval);
        positive("sample_interval", sampleInterval);
        notNegative("evaluation_batches", evaluationBatches);
        notNegative("patience", patience);
        if (!(dropout >= 0 && dropout < 1)) {
            throw new IllegalArgumentException("dropout is " + dropout + "; it must be in [0, 1)");
        }
        var schedule = new LrSchedule(learningRate, minLearningRate, warmupSteps, steps, decay);
        var settings = new OptimizerSettings(optimizer, beta1, beta2, epsilon, weightDecay, gradientClip);
        assert schedule.steps() == steps && settings.kind() == optimizer;
    }

    public LrSchedule schedule() {
        return new LrSchedule(learningRate, minLearningRate, warmupSteps, steps, decay);
    }

    public OptimizerSettings optimizerSettings() {
        return new OptimizerSettings(optimizer, beta1, beta2, epsilon, weightDecay, gradientClip);
    }

    /** Tokens of one optimizer step. */
    public long tokensPerStep() {
        return (long) batchSize * gradientAccumulation * contextLength;
    }

    private static void positive(String name, int value) {
        if (value < 1) {
            throw new IllegalArgumentException(name + " is " + value + "; it must be at least 1");
        }
    }

    private static void notNegative(String name, int value) {
        if (value < 0) {
            throw new IllegalArgumentException(name + " is " + value + "; it must be 0 or more");
        }
    }
}

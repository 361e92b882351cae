package io.bardstream.training;

import io.bardstream.event.Hyperparameters;
import io.bardstream.event.InvalidFieldException;
import io.bardstream.event.TrainingRequest;
import io.bardstream.gpt.GptConfig;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.FreeMemory;
import io.bardstream.kernel.ResidentMemory;
import io.bardstream.train.MemoryEstimate;
import java.util.Locale;
import java.util.Map;

/**
 * Keeps a run within the memory there is, by {@link MemoryEstimate}, before it is queued.
 *
 * @param bytes most that this process may take of the processor's or the GPU's memory
 * @param fit whether to choose the largest micro-batch that fits, at as many tokens a step, rather than refuse what does not
 */
record MemoryLimit(long bytes, boolean fit) {
    /**
     * @param asked bytes, or null for what is free together with what this process has already: its runs come one by one
     */
    static MemoryLimit of(Long asked, Boolean fit) {
        if (asked != null && asked < 1) {
            throw new InvalidFieldException("memory", asked + " is no number of bytes");
        }
        long own = Compute.gpuPresent() ? 0 : ResidentMemory.bytes().orElse(0);
        long there = FreeMemory.bytes().orElse(Long.MAX_VALUE - own) + own;
        return new MemoryLimit(asked == null ? there : asked, fit != null && fit);
    }

    /**
     * The request as it may run.
     *
     * @throws InvalidFieldException naming {@code batch_size} and what would fit
     */
    TrainingRequest apply(TrainingRequest request, GptConfig model) {
        Hyperparameters run = request.hyperparameters();
        if (fit) {
            return request.with(MemoryEstimate.fit(model, run, bytes).orElseThrow(() -> tooLarge(model, run)));
        }
        if (MemoryEstimate.of(model, run).total() > bytes) {
            throw tooLarge(model, run);
        }
        return request;
    }

    private InvalidFieldException tooLarge(GptConfig model, Hyperparameters run) {
        Hyperparameters thrifty = run.with(Map.of("activation_recomputation", true));
        String fits = MemoryEstimate.fit(model, run, bytes)
                .or(() -> MemoryEstimate.fit(model, thrifty, bytes))
                .map(smaller -> "batch_size %d%s%s fits and trains on as many tokens a step; fit chooses it"
                        .formatted(
                                smaller.batchSize(),
                                run.ppo() == null
                                        ? " with gradient_accumulation " + smaller.gradientAccumulation()
                                        : "",
                                smaller.activationRecomputation() ? " and activation_recomputation" : ""))
                .orElse("not even 1 fits: choose a smaller preset or context_length"
                        + (run.ppo() == null ? "" : ", or a smaller num_layers_unfrozen"));
        return new InvalidFieldException(
                "batch_size",
                "%d of %d tokens each take about %s, of %s: %s"
                        .formatted(
                                run.batchSize(),
                                run.contextLength(),
                                gigabytes(MemoryEstimate.of(model, run).total()),
                                gigabytes(bytes),
                                fits));
    }

    private static String gigabytes(long bytes) {
        return String.format(Locale.ROOT, "%.1f GB", bytes / 1e9);
    }
}

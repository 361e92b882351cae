package io.bardstream.trainer;

import io.bardstream.checkpoint.ModelConfig;
import io.bardstream.gpt.Gpt;
import io.bardstream.gpt.GptConfig;
import io.bardstream.kernel.Compute;
import io.bardstream.train.Objective;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;

/** What a stage teaches a policy: on which batches, judged by what, and shown by which samples. */
interface Task extends AutoCloseable {
    /**
     * How well the held-out part is predicted.
     *
     * @param loss nats a token
     * @param bitsPerByte the same in bits a byte of text, which can be compared across vocabularies; null where it is no loss
     *     of text
     * @param more what else was measured, by name, for the checkpoint's metrics
     */
    record Validation(double loss, Double bitsPerByte, Map<String, Double> more) {}

    /** A model of this shape to begin with, its weights drawn. */
    default Gpt initialise(GptConfig shape, Compute compute, long seed) {
        return Gpt.initialise(shape, compute, seed);
    }

    /** A folder's model to begin with, over a vocabulary that may extend the folder's. */
    default Gpt load(Path folder, Compute compute, int vocabularySize, long seed) throws IOException {
        return Gpt.load(folder, compute, vocabularySize, seed);
    }

    /** What {@code config.json} says of the model, where it is more than a decoder. */
    default ModelConfig describe(ModelConfig model) {
        return model;
    }

    /** The micro-batch {@code micro} of step {@code step}, a function of these and the run's seed. */
    Objective microBatch(long step, int micro);

    /** Where in the training split the windows of a step begin; none where its rows are not windows of one text. */
    default long[] offsets(long step) {
        return new long[0];
    }

    Validation validate(Gpt gpt);

    /** What the model writes; the same weights write the same at the same step. */
    SampleWriter.Sample sample(Gpt gpt, long step);

    /** Frees what it holds. */
    @Override
    default void close() {}
}

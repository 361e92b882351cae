package io.bardstream.trainer;

import io.bardstream.event.Dataset.Split;
import io.bardstream.event.Hyperparameters;
import io.bardstream.gpt.Gpt;
import io.bardstream.train.Evaluation;
import io.bardstream.train.NextToken;
import io.bardstream.train.Objective;
import io.bardstream.train.TokenSampler;
import io.bardstream.train.TokenSource;
import io.bardstream.training.TrainingRun;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Pretraining: the next token of raw text. Windows are drawn uniformly; validation covers its split once, or the first {@code
 * evaluation_batches} batches of it, rather than sampling it as nanoGPT does.
 */
final class Pretrain implements Task {
    private final Hyperparameters settings;
    private final TokenSource validation;
    private final Split validationSplit;
    private final TokenSampler windows;
    private final SampleWriter samples;

    Pretrain(TrainingRun run, TokenSource training, TokenSource validation) {
        this.settings = run.request().hyperparameters();
        this.validation = validation;
        this.validationSplit = run.dataset().split(Split.VALIDATION).orElseThrow();
        this.windows = new TokenSampler(
                training,
                settings.contextLength(),
                settings.batchSize(),
                run.request().seed());
        this.samples = new SampleWriter(run.tokenizer(), training, run.request().seed());
    }

    @Override
    public Objective microBatch(long step, int micro) {
        return new NextToken(windows.batch(step, micro)); // B windows of T tokens each
    }

    @Override
    public long[] offsets(long step) {
        return IntStream.range(0, settings.gradientAccumulation())
                .boxed()
                .flatMapToLong(micro ->
                        IntStream.range(0, settings.batchSize()).mapToLong(row -> windows.start(step, micro, row)))
                .toArray();
    }

    @Override
    public Validation validate(Gpt gpt) {
        Evaluation.Result result = Evaluation.evaluate(
                gpt, validation, settings.contextLength(), settings.batchSize(), settings.evaluationBatches());
        return new Validation(
                result.loss(), result.bitsPerByte(validationSplit.tokens(), validationSplit.bytes()), Map.of());
    }

    @Override
    public SampleWriter.Sample sample(Gpt gpt, long step) {
        return samples.write(gpt, step);
    }
}

package io.bardstream.trainer;

import io.bardstream.checkpoint.ModelConfig;
import io.bardstream.event.Dataset.Split;
import io.bardstream.event.Hyperparameters;
import io.bardstream.gpt.Gpt;
import io.bardstream.gpt.GptConfig;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.CounterRandom;
import io.bardstream.tokenizer.BpeTokenizer;
import io.bardstream.train.Classification;
import io.bardstream.train.Confusion;
import io.bardstream.train.EpochOrder;
import io.bardstream.train.LabelledTexts;
import io.bardstream.train.Objective;
import io.bardstream.training.ConversationFile;
import io.bardstream.training.TrainingRun;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Labels for texts (Radford et al. 2018, section 3.2; the spam example of Raschka 2024, chapter 6): a head on the hidden state
 * at a text's last token. The labels are those of the training split. Of a text that is longer than the context the beginning
 * is read.
 */
final class Classify implements Task {
    private static final long STREAM = 0x4c4142454cL; // keeps the choice of samples independent of the batches

    private final Hyperparameters settings;
    private final long seed;
    private final BpeTokenizer tokenizer;
    private final LabelledTexts training;
    private final LabelledTexts validation;
    private final long labelBytes;
    private final EpochOrder<Integer> order;

    Classify(TrainingRun run, ConversationFile training, ConversationFile validation) {
        this.settings = run.request().hyperparameters();
        this.seed = run.request().seed();
        this.tokenizer = run.tokenizer();
        List<String> labels = LabelledTexts.labels(training, tokenizer);
        this.training = new LabelledTexts(training, tokenizer, labels, settings.contextLength());
        this.validation = new LabelledTexts(validation, tokenizer, labels, settings.contextLength());
        this.labelBytes = run.dataset().split(Split.VALIDATION).orElseThrow().bytes();
        this.order =
                new EpochOrder<>(IntStream.range(0, training.count()).boxed().toList(), seed);
        if (labels.size() < 2) {
            throw new IllegalArgumentException(
                    "all texts are labelled '" + labels.get(0) + "'; telling labels apart takes at least two of them");
        }
    }

    @Override
    public Gpt initialise(GptConfig shape, Compute compute, long drawnBy) {
        return Gpt.initialiseClassifier(shape, compute, training.labels().size(), drawnBy);
    }

    @Override
    public Gpt load(Path folder, Compute compute, int vocabularySize, long drawnBy) throws IOException {
        return Gpt.loadClassifier(folder, compute, training.labels(), vocabularySize, drawnBy);
    }

    @Override
    public ModelConfig describe(ModelConfig model) {
        return model.withLabels(training.labels());
    }

    @Override
    public Objective microBatch(long step, int micro) {
        long first = (step * settings.gradientAccumulation() + micro) * settings.batchSize();
        return training.batch(IntStream.range(0, settings.batchSize())
                .map(row -> order.at(first + row))
                .toArray()); // B texts in B rows
    }

    /** Over the whole split, or the first {@code evaluation_batches} batches of it. */
    @Override
    public Validation validate(Gpt gpt) {
        int most = settings.evaluationBatches() == 0
                ? validation.count()
                : settings.evaluationBatches() * settings.batchSize();
        Confusion confusion = validation.judge(gpt, most);
        double bitsPerByte = confusion.loss() * validation.count() / labelBytes / Math.log(2);
        return new Validation(confusion.loss(), bitsPerByte, confusion.metrics());
    }

    /** A held-out text with the label that it is given. */
    @Override
    public SampleWriter.Sample sample(Gpt gpt, long step) {
        int[] text = validation.tokens((int) CounterRandom.below(validation.count(), STREAM, seed, step));
        double[] probabilities = Classification.probabilities(gpt, List.of(text))[0];
        String label = validation.labels().get(Confusion.likeliest(probabilities));
        return new SampleWriter.Sample(tokenizer.decode(text) + " → " + label, 0);
    }
}

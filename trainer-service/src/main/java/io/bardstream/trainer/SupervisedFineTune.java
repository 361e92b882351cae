package io.bardstream.trainer;

import io.bardstream.event.Dataset.Split;
import io.bardstream.event.Hyperparameters;
import io.bardstream.gpt.Gpt;
import io.bardstream.kernel.CounterRandom;
import io.bardstream.tokenizer.BpeTokenizer;
import io.bardstream.tokenizer.ChatFormat.Rendered;
import io.bardstream.tokenizer.SpecialTokens;
import io.bardstream.train.ConversationSampler;
import io.bardstream.train.Evaluation;
import io.bardstream.train.NextToken;
import io.bardstream.train.Objective;
import io.bardstream.training.ConversationFile;
import io.bardstream.training.TrainingRun;
import java.util.Arrays;
import org.jboss.logging.Logger;

/**
 * Supervised fine-tuning (Ouyang et al. 2022, section 3.5): the next token again, of conversations, where only what the
 * assistant says and the end of its turns count. The loss is the mean over the trained tokens of a step, however they lie in
 * rows and micro-batches. Samples are answers to held-out instructions.
 */
final class SupervisedFineTune implements Task {
    private static final Logger LOG = Logger.getLogger(SupervisedFineTune.class);
    /** Held-out instructions that are answered at each evaluation. */
    private static final int ANSWERS = 32;

    private static final long STREAM = 0x415354L; // keeps the choice of instructions independent of the batches

    private final Hyperparameters settings;
    private final BpeTokenizer tokenizer;
    private final ConversationFile training;
    private final ConversationFile validation;
    private final Split validationSplit;
    private final ConversationSampler batches;
    private final SampleWriter samples;
    private final int pad;
    private final long seed;

    SupervisedFineTune(TrainingRun run, ConversationFile training, ConversationFile validation) {
        this.settings = run.request().hyperparameters();
        this.seed = run.request().seed();
        this.tokenizer = run.tokenizer();
        this.training = training;
        this.validation = validation;
        this.validationSplit = run.dataset().split(Split.VALIDATION).orElseThrow();
        this.pad = run.tokenizer().specialToken(SpecialTokens.PAD).orElseThrow();
        this.batches = new ConversationSampler(
                training, settings.contextLength(), settings.batchSize(), settings.gradientAccumulation(), pad, seed);
        this.samples = new SampleWriter(run.tokenizer(), training.tokens(), seed);
        if (batches.leftOut() > 0) {
            LOG.warnf(
                    "%s: %d of %d conversations are longer than the context of %d tokens and are not trained on",
                    run.request().runId(), batches.leftOut(), training.count(), settings.contextLength());
        }
    }

    @Override
    public Objective microBatch(long step, int micro) {
        return new NextToken(batches.batch(step, micro)); // B conversations in at most B rows
    }

    @Override
    public Validation validate(Gpt gpt) {
        Evaluation.Result result = Evaluation.evaluate(
                gpt, validation, settings.contextLength(), settings.batchSize(), settings.evaluationBatches(), pad);
        return new Validation(
                result.loss(),
                result.bitsPerByte(validationSplit.conversations().trainedTokens(), validationSplit.bytes()),
                AnswerQuality.of(gpt, tokenizer, validation, training.tokens(), ANSWERS));
    }

    @Override
    public SampleWriter.Sample sample(Gpt gpt, long step) {
        int drawn = (int) CounterRandom.below(validation.count(), STREAM, seed, step);
        int[] prompt = prompt(validation.get(drawn));
        return samples.answer(
                gpt,
                step,
                Arrays.copyOf(prompt, Math.min(prompt.length, gpt.config().contextLength())));
    }

    /** A conversation up to where the assistant's last turn begins. */
    static int[] prompt(Rendered conversation) {
        int last = conversation.trained().length() - 1;
        int begin = conversation.trained().previousClearBit(last) + 1;
        return Arrays.copyOf(conversation.tokens(), begin);
    }
}

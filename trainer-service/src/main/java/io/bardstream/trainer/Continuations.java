package io.bardstream.trainer;

import io.bardstream.gpt.Decoder;
import io.bardstream.gpt.Gpt;
import io.bardstream.sample.Sampler;
import io.bardstream.sample.SamplingParameters;
import io.bardstream.tokenizer.BpeTokenizer;
import io.bardstream.tokenizer.SpecialTokens;
import java.util.Arrays;

/** What a model writes behind prompts, one after another, with the weights as they were when this was made. */
final class Continuations implements AutoCloseable {
    private final Decoder decoder;
    private final BpeTokenizer tokenizer;
    private final int endOfTurn;

    /**
     * A text.
     *
     * @param ended whether the model ended it by itself, the text or its turn; that token is not among the others
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Written(int[] tokens, boolean ended) {}

    Continuations(Gpt gpt, BpeTokenizer tokenizer) {
        this.decoder = Decoder.of(gpt, 1);
        this.tokenizer = tokenizer;
        this.endOfTurn = tokenizer.specialToken(SpecialTokens.END_OF_TURN).orElse(tokenizer.endOfText());
    }

    /**
     * Goes on behind a prompt until the model ends it, or the context or the number of tokens is full.
     *
     * @param prompt of which the beginning is taken where it is longer than the context
     */
    Written write(int[] prompt, SamplingParameters sampling, long seed, int mostTokens) {
        int[] read =
                Arrays.copyOf(prompt, Math.min(prompt.length, decoder.config().contextLength()));
        Sampler sampler = new Sampler(sampling, tokenizer.vocabularySize(), seed, 0);
        int[] written = new int[mostTokens];
        int count = 0;
        decoder.begin(0, read);
        int next = sampler.next(decoder.prefill(0));
        while (next != tokenizer.endOfText() && next != endOfTurn) {
            written[count++] = next;
            if (count == mostTokens || decoder.full(0)) {
                return new Written(Arrays.copyOf(written, count), false);
            }
            next = sampler.next(decoder.step(next)[0]);
        }
        return new Written(Arrays.copyOf(written, count), true);
    }

    @Override
    public void close() {
        decoder.close();
    }
}

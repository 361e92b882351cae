package io.bardstream.trainer;

import io.bardstream.gpt.Decoder;
import io.bardstream.gpt.Gpt;
import io.bardstream.kernel.CounterRandom;
import io.bardstream.sample.Sampler;
import io.bardstream.sample.SamplingParameters;
import io.bardstream.tokenizer.BpeTokenizer;
import io.bardstream.train.TokenSource;
import java.util.Arrays;

/** Lets the model write while it learns, and says how much of what it wrote it has merely remembered. */
final class SampleWriter {
    private static final int TOKENS = 200;
    private static final String PROMPT = "\n"; // nanoGPT's
    private static final SamplingParameters SAMPLING =
            SamplingParameters.DEFAULT.withTemperature(0.8).withTopK(200); // nanoGPT's sample.py
    private static final long STREAM = 0x53414d504c45L; // keeps samples independent of the windows at the same seed

    private final BpeTokenizer tokenizer;
    private final TokenSource training;
    private final long seed;

    /**
     * @param longestCopy longest run of characters that stands verbatim in the training text
     */
    record Sample(String text, int longestCopy) {}

    SampleWriter(BpeTokenizer tokenizer, TokenSource training, long seed) {
        this.tokenizer = tokenizer;
        this.training = training;
        this.seed = seed;
    }

    /** The same weights write the same text at the same step. */
    Sample write(Gpt gpt, long step) {
        int[] tokens = tokens(gpt, CounterRandom.bits(STREAM, seed, step));
        String text = tokenizer.decode(tokens);
        return new Sample(text, new LongestCopy(text).in(training, tokenizer));
    }

    private int[] tokens(Gpt gpt, long sampleSeed) {
        int end = tokenizer.endOfText();
        Sampler sampler = new Sampler(SAMPLING, tokenizer.vocabularySize(), sampleSeed, 0);
        int[] written = new int[TOKENS];
        int count = 0;
        try (Decoder decoder = Decoder.of(gpt, 1)) {
            decoder.begin(0, tokenizer.encode(PROMPT));
            int next = sampler.next(decoder.prefill(0));
            while (next != end) {
                written[count++] = next;
                if (count == TOKENS || decoder.full(0)) {
                    break;
                }
                next = sampler.next(decoder.step(next)[0]);
            }
        }
        return Arrays.copyOf(written, count);
    }
}

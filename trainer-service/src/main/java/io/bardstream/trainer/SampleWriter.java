package io.bardstream.trainer;

import io.bardstream.gpt.Gpt;
import io.bardstream.kernel.CounterRandom;
import io.bardstream.sample.SamplingParameters;
import io.bardstream.tokenizer.BpeTokenizer;
import io.bardstream.tokenizer.SpecialTokens;
import io.bardstream.train.Response;
import io.bardstream.train.Rollout;
import io.bardstream.train.TokenSource;
import java.util.List;

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

    /** A text from the beginning. The same weights write the same text at the same step. */
    Sample write(Gpt gpt, long step) {
        return sample("", response(gpt, step, tokenizer.encode(PROMPT)), "");
    }

    /** An answer behind its prompt, with its end of turn where it came to it. */
    Sample answer(Gpt gpt, long step, int... prompt) {
        return sample(tokenizer.decode(prompt), response(gpt, step, prompt), SpecialTokens.END_OF_TURN);
    }

    private Sample sample(String prompt, Response response, String end) {
        String text = tokenizer.decode(response.said());
        return new Sample(prompt + text + (response.ended() ? end : ""), new LongestCopy(text).in(training, tokenizer));
    }

    private Response response(Gpt gpt, long step, int... prompt) {
        return new Rollout(tokenizer, SAMPLING, TOKENS, 1)
                .sample(gpt, List.of(prompt), CounterRandom.bits(STREAM, seed, step))
                .get(0);
    }
}

package io.bardstream.train;

import io.bardstream.gpt.Decoder;
import io.bardstream.gpt.Gpt;
import io.bardstream.sample.Sampler;
import io.bardstream.sample.SamplingParameters;
import io.bardstream.tokenizer.BpeTokenizer;
import io.bardstream.tokenizer.SpecialTokens;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;

/**
 * Lets a policy answer prompts, many at once: slots of the decoder whose responses have ended take the next prompts, as soon
 * as there are enough of them to be computed together.
 *
 * <p>A response is a function of the weights, its prompt, the seed and its number alone: what the others say, and how long
 * they are, changes no bit of it.
 */
public final class Rollout {
    public static final int SLOTS = 64;

    private final BpeTokenizer tokenizer;
    private final SamplingParameters sampling;
    private final int mostTokens;
    private final int mostSlots;
    private final int endOfTurn;

    /**
     * Responses drawn from the policy's own distribution at a temperature, nothing cut off, so that its log-probabilities say
     * how likely each token was.
     *
     * @param mostTokens of a response
     */
    public Rollout(BpeTokenizer tokenizer, double temperature, int mostTokens) {
        this(tokenizer, SamplingParameters.DEFAULT.withTemperature(temperature), mostTokens, SLOTS);
    }

    /**
     * Responses sampled in any way.
     *
     * @param mostTokens of a response
     * @param mostSlots that write at once
     */
    public Rollout(BpeTokenizer tokenizer, SamplingParameters sampling, int mostTokens, int mostSlots) {
        this.tokenizer = tokenizer;
        this.sampling = sampling;
        this.mostTokens = mostTokens;
        this.mostSlots = mostSlots;
        this.endOfTurn = tokenizer.specialToken(SpecialTokens.END_OF_TURN).orElse(tokenizer.endOfText());
    }

    /** One response to each prompt, in their order. */
    public List<Response> sample(Gpt policy, List<int[]> prompts, long seed) {
        if (prompts.isEmpty()) {
            return List.of();
        }
        Writing[] slots = new Writing[Math.min(mostSlots, prompts.size())];
        Response[] responses = new Response[prompts.size()];
        try (Decoder decoder = Decoder.of(policy, slots.length, room(policy, prompts))) {
            int begun = 0;
            int ended = 0;
            while (ended < responses.length) {
                begun += begin(decoder, slots, prompts.subList(begun, responses.length), begun, seed);
                Arrays.stream(slots).filter(Objects::nonNull).parallel().forEach(Writing::sayNext);
                for (int slot = 0; slot < slots.length; slot++) {
                    Writing writing = slots[slot];
                    if (writing != null && (writing.ended || writing.full() || decoder.full(slot))) {
                        responses[writing.number] = writing.response();
                        slots[slot] = null;
                        ended++;
                    }
                }
                step(decoder, slots);
            }
        }
        return List.of(responses);
    }

    /** The longest text that can come of these prompts, in tokens. */
    private int room(Gpt policy, List<int[]> prompts) {
        int longest = prompts.stream().mapToInt(prompt -> prompt.length).max().orElseThrow();
        return (int) Math.min(policy.config().contextLength(), (long) longest + mostTokens);
    }

    /** Gives waiting prompts to free slots, several at a time, and returns to how many. */
    private int begin(Decoder decoder, Writing[] slots, List<int[]> waiting, int begun, long seed) {
        int[] free = IntStream.range(0, slots.length)
                .filter(slot -> slots[slot] == null)
                .limit(waiting.size())
                .toArray();
        if (free.length == 0 || free.length < Math.min(Decoder.PROMPTS, Math.min(slots.length, waiting.size()))) {
            return 0;
        }
        for (int i = 0; i < free.length; i++) {
            decoder.begin(free[i], waiting.get(i));
            slots[free[i]] = new Writing(begun + i, waiting.get(i), seed);
        }
        float[][] logits = decoder.prefillTogether(free); // (free, V)
        for (int i = 0; i < free.length; i++) {
            slots[free[i]].logits = logits[i];
        }
        return free.length;
    }

    private static void step(Decoder decoder, Writing... slots) {
        if (Arrays.stream(slots).allMatch(Objects::isNull)) {
            return;
        }
        float[][] logits = decoder.step(Arrays.stream(slots)
                .mapToInt(writing -> writing == null ? Decoder.NONE : writing.last())
                .toArray()); // (S, V)
        IntStream.range(0, slots.length)
                .filter(slot -> slots[slot] != null)
                .forEach(slot -> slots[slot].logits = logits[slot]);
    }

    /** A response while it is being written. */
    private final class Writing {
        private final int number;
        private final int[] prompt;
        private final Sampler sampler;
        private final int[] tokens = new int[mostTokens];
        private int count;
        private boolean ended;
        private float[] logits;

        Writing(int number, int[] prompt, long seed) {
            this.number = number;
            this.prompt = prompt;
            this.sampler = new Sampler(sampling, tokenizer.vocabularySize(), seed, number);
        }

        void sayNext() {
            int token = sampler.next(logits);
            tokens[count++] = token;
            ended = token == endOfTurn || token == tokenizer.endOfText();
        }

        int last() {
            return tokens[count - 1];
        }

        boolean full() {
            return count == mostTokens;
        }

        Response response() {
            return new Response(prompt, Arrays.copyOf(tokens, count), ended);
        }
    }
}

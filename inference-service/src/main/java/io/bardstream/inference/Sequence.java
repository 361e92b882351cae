package io.bardstream.inference;

import io.bardstream.sample.Sampler;
import io.bardstream.sample.TextStream;
import io.bardstream.sample.TokenLogprobs;
import java.util.List;
import java.util.OptionalInt;

/**
 * One completion of one prompt, from the queue to its last token. The decode loop alone moves it on; anyone may
 * {@link #cancel} it. It owns a lease of its model, which the decode loop gives back.
 */
final class Sequence {
    /** Why a sequence ended. */
    enum End {
        /** The model ended the text, or a stop string came. */
        STOP("stop"),
        /** As many tokens as were asked for, or as the context holds. */
        LENGTH("length"),
        /** Whoever asked has gone. */
        CANCELLED("cancelled");

        private final String reason;

        End(String reason) {
            this.reason = reason;
        }

        /** As {@code finish_reason} says it. */
        String reason() {
            return reason;
        }
    }

    /** Told on the decode loop's thread, so it must only pass on. */
    interface Listener {
        /** The logprobs of the prompt's tokens from the second on; only where they were asked for, before any token. */
        void prompt(List<TokenLogprobs> logprobs);

        /** One more token: what it adds to the text that can be shown, and its logprobs or null. */
        void token(int token, String text, TokenLogprobs logprobs);

        /** The last of the text, and why there is no more. Nothing follows. */
        void end(String text, End end);

        /** It cannot go on. Nothing follows. */
        void failed(Throwable reason);
    }

    private final LoadedModel model;
    private final int[] prompt;
    private final int mostTokens;
    private final Sampler sampler;
    private final TextStream text;
    private final OptionalInt logprobs;
    private final boolean promptLogprobs;
    private final Listener listener;
    private final boolean background;
    private final long submitted = System.nanoTime();
    private int generated;
    private volatile boolean cancelled;

    /**
     * @param mostTokens     to generate; not more than the context has room for behind the prompt
     * @param logprobs       how many alternatives to name beside each token, or empty for no logprobs
     * @param promptLogprobs whether the prompt's own logprobs are wanted too
     */
    Sequence(
            LoadedModel model,
            int[] prompt,
            int mostTokens,
            Sampler sampler,
            TextStream text,
            OptionalInt logprobs,
            boolean promptLogprobs,
            Listener listener) {
        this(model, prompt, mostTokens, sampler, text, logprobs, promptLogprobs, listener, false);
    }

    private Sequence(
            LoadedModel model,
            int[] prompt,
            int mostTokens,
            Sampler sampler,
            TextStream text,
            OptionalInt logprobs,
            boolean promptLogprobs,
            Listener listener,
            boolean background) {
        this.model = model;
        this.prompt = prompt;
        this.mostTokens = mostTokens;
        this.sampler = sampler;
        this.text = text;
        this.logprobs = logprobs;
        this.promptLogprobs = promptLogprobs && logprobs.isPresent();
        this.listener = listener;
        this.background = background;
        sampler.observePrompt(prompt);
    }

    /** One that waits for nobody in particular: it takes a slot only where nobody else wants one. */
    static Sequence inBackground(
            LoadedModel model, int[] prompt, int mostTokens, Sampler sampler, TextStream text, Listener listener) {
        return new Sequence(model, prompt, mostTokens, sampler, text, OptionalInt.empty(), false, listener, true);
    }

    boolean background() {
        return background;
    }

    /** Nobody wants the rest: its slot is free before the next token. Safe on any thread. */
    void cancel() {
        cancelled = true;
    }

    boolean cancelled() {
        return cancelled;
    }

    LoadedModel model() {
        return model;
    }

    int[] prompt() {
        return prompt;
    }

    boolean wantsPromptLogprobs() {
        return promptLogprobs;
    }

    /** How many tokens have been generated. */
    int generated() {
        return generated;
    }

    /** When it was queued, by {@link System#nanoTime}. */
    long submitted() {
        return submitted;
    }

    Listener listener() {
        return listener;
    }

    /** Whether the prompt is all that is to be computed. */
    boolean complete() {
        return generated == mostTokens;
    }

    /** The logprobs of a token of the prompt, after the logits before it. */
    TokenLogprobs scored(float[] logits, int token) {
        return TokenLogprobs.of(logits, model.tokenizer().vocabularySize(), token, logprobs.orElse(0));
    }

    /**
     * Draws the next token and tells the listener.
     *
     * @param logits of the token after all so far
     * @return the token to go on with, or a negative number where the sequence has ended
     */
    int advance(float[] logits) {
        int token = sampler.next(logits);
        generated++;
        TokenLogprobs score = logprobs.isPresent() ? scored(logits, token) : null;
        boolean ends = model.ends(token);
        listener.token(token, ends ? "" : text.accept(model.bytesOf(token)), score);
        if (ends || text.stopped()) {
            return end(End.STOP);
        }
        return complete() ? end(End.LENGTH) : token;
    }

    /** Ends here. */
    int end(End end) {
        listener.end(text.finish(), end);
        return -1;
    }
}

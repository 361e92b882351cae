package io.bardstream.inference;

import io.bardstream.gpt.Decoder;
import io.bardstream.sample.TokenLogprobs;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import org.jboss.logging.Logger;

/**
 * The slots of one model and who sits in them. A turn empties the slots of those who have gone, seats those who wait,
 * computes one piece of one prompt, and gives everyone whose prompt is done one token. A long prompt therefore holds the
 * others up for one piece at a time. Sequences in the background are seated when nobody else waits, and in half of the slots at
 * most, so that whoever asks over HTTP finds one free. For the decode loop's thread alone.
 */
final class ModelTurns {
    private static final Logger LOG = Logger.getLogger(ModelTurns.class);

    private final LoadedModel model;
    private final Decoder decoder;
    private final InferenceMetrics metrics;
    private final Runnable onSeated;
    private final Deque<Sequence> waiting = new ArrayDeque<>();
    private final Deque<Sequence> background = new ArrayDeque<>();
    private final Sequence[] seated;
    private final int[] next; // the token each slot goes on with, or NONE while its prompt is being computed
    private final Deque<Integer> prompts = new ArrayDeque<>(); // slots whose prompt is not done, longest seated first
    private final List<List<TokenLogprobs>> scores = new ArrayList<>(); // of each slot's prompt, as far as computed
    private final float[][] lastLogits; // after the last token of the piece before, where scores are wanted

    /** @param onSeated run for each sequence that waits no longer, those in the background apart */
    ModelTurns(LoadedModel model, InferenceMetrics metrics, Runnable onSeated) {
        this.model = model;
        this.decoder = model.decoder();
        this.metrics = metrics;
        this.onSeated = onSeated;
        this.seated = new Sequence[decoder.slots()];
        this.next = new int[decoder.slots()];
        this.lastLogits = new float[decoder.slots()][];
        Arrays.fill(next, Decoder.NONE);
        for (int slot = 0; slot < seated.length; slot++) {
            scores.add(new ArrayList<>());
        }
    }

    void add(Sequence sequence) {
        (sequence.background() ? background : waiting).add(sequence);
    }

    boolean idle() {
        return waiting.isEmpty()
                && background.isEmpty()
                && Arrays.stream(seated).allMatch(sequence -> sequence == null);
    }

    /** Takes one turn and returns how many slots it served. */
    int take() {
        try {
            dismissTheGone();
            seat();
            computePrompt();
            step();
        } catch (RuntimeException | LinkageError | OutOfMemoryError e) {
            LOG.errorf(e, "Decoding with %s failed", model.checkpoint().id());
            fail(e);
        }
        return (int) Arrays.stream(seated).filter(sequence -> sequence != null).count();
    }

    /** Ends everyone here. */
    void fail(Throwable reason) {
        for (int slot = 0; slot < seated.length; slot++) {
            if (seated[slot] != null) {
                leave(slot).listener().failed(reason);
            }
        }
        for (Sequence sequence : waiting) {
            onSeated.run();
            model.release();
            sequence.listener().failed(reason);
        }
        waiting.clear();
        for (Sequence sequence : background) {
            model.release();
            sequence.listener().failed(reason);
        }
        background.clear();
    }

    private void dismissTheGone() {
        for (int slot = 0; slot < seated.length; slot++) {
            if (seated[slot] != null && seated[slot].cancelled()) {
                seated[slot].end(Sequence.End.CANCELLED);
                leave(slot);
            }
        }
        waiting.removeIf(sequence -> {
            if (sequence.cancelled()) {
                onSeated.run();
                sequence.end(Sequence.End.CANCELLED);
                model.release();
            }
            return sequence.cancelled();
        });
    }

    private void seat() {
        for (int slot = 0; slot < seated.length; slot++) {
            Sequence next = seated[slot] == null ? nextToSit() : null;
            if (next != null) {
                seated[slot] = next;
                decoder.begin(slot, seated[slot].prompt());
                prompts.add(slot);
            }
        }
    }

    private Sequence nextToSit() {
        if (!waiting.isEmpty()) {
            onSeated.run();
            return waiting.remove();
        }
        long inBackground = Arrays.stream(seated)
                .filter(sequence -> sequence != null && sequence.background())
                .count();
        return inBackground < Math.max(1, seated.length / 2) ? background.poll() : null;
    }

    private void computePrompt() {
        if (prompts.isEmpty()) {
            return;
        }
        int slot = prompts.element();
        Sequence sequence = seated[slot];
        int before = decoder.length(slot);
        Decoder.Piece piece = decoder.prefill(slot, sequence.wantsPromptLogprobs());
        if (piece.after() != null) {
            score(slot, before, piece.after());
        }
        if (piece.next() != null) {
            prompts.remove();
            metrics.read(sequence.prompt().length);
            if (sequence.wantsPromptLogprobs()) {
                sequence.listener().prompt(List.copyOf(scores.get(slot)));
            }
            if (sequence.complete()) {
                sequence.end(Sequence.End.LENGTH);
                leave(slot);
            } else {
                advance(slot, piece.next());
                metrics.firstToken(System.nanoTime() - sequence.submitted());
            }
        }
    }

    /** Scores the tokens of the prompt that follow those of the piece, and the piece's first by the piece before. */
    private void score(int slot, int before, float[][] after) {
        Sequence sequence = seated[slot];
        int[] prompt = sequence.prompt();
        if (before > 0) {
            scores.get(slot).add(sequence.scored(lastLogits[slot], prompt[before]));
        }
        for (int i = 0; i + 1 < after.length; i++) {
            scores.get(slot).add(sequence.scored(after[i], prompt[before + i + 1]));
        }
        lastLogits[slot] = after[after.length - 1];
    }

    private void step() {
        if (Arrays.stream(next).allMatch(token -> token == Decoder.NONE)) {
            return;
        }
        float[][] logits = decoder.step(next);
        for (int slot = 0; slot < seated.length; slot++) {
            if (logits[slot] != null) {
                advance(slot, logits[slot]);
            }
        }
    }

    private void advance(int slot, float[] logits) {
        Sequence sequence = seated[slot];
        metrics.generated();
        try {
            next[slot] = sequence.advance(logits);
            if (next[slot] < 0) {
                leave(slot);
            }
        } catch (ArithmeticException e) {
            LOG.errorf(
                    "%s gives logits that are no numbers: %s",
                    model.checkpoint().id(), e.getMessage());
            leave(slot).listener().failed(e);
        }
    }

    private Sequence leave(int slot) {
        Sequence sequence = seated[slot];
        seated[slot] = null;
        next[slot] = Decoder.NONE;
        prompts.remove(slot);
        scores.get(slot).clear();
        lastLogits[slot] = null;
        decoder.free(slot);
        model.release();
        return sequence;
    }
}

package io.bardstream.inference;

import io.bardstream.checkpoint.HuggingFaceFormat;
import io.bardstream.event.Checkpoint;
import io.bardstream.gpt.Decoder;
import io.bardstream.kernel.Compute;
import io.bardstream.tokenizer.BpeTokenizer;
import io.bardstream.tokenizer.SpecialTokens;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A checkpoint in memory: its decoder and its tokenizer. Whoever uses it holds a lease; a retired model is closed when the
 * last lease is given back, so a request that runs ends on the weights it began with.
 */
final class LoadedModel {
    private final Checkpoint checkpoint;
    private final BpeTokenizer tokenizer;
    private final Decoder decoder;
    private final Set<Integer> silent;
    private final Set<Integer> endings;
    private final Runnable onClose;
    private int leases;
    private boolean retired;

    private LoadedModel(Checkpoint checkpoint, BpeTokenizer tokenizer, Decoder decoder, Runnable onClose) {
        this.checkpoint = checkpoint;
        this.tokenizer = tokenizer;
        this.decoder = decoder;
        this.silent = Set.copyOf(tokenizer.specialTokens().values());
        this.endings = Stream.of(SpecialTokens.END_OF_TEXT, SpecialTokens.END_OF_TURN)
                .flatMap(token -> tokenizer.specialToken(token).stream().boxed())
                .collect(Collectors.toUnmodifiableSet());
        this.onClose = onClose;
    }

    /**
     * Loads a verified checkpoint folder.
     *
     * @param onClose run once, after the weights have been freed
     * @throws IllegalArgumentException if the folder is not a model that can be served, naming what does not fit
     */
    static LoadedModel load(Checkpoint checkpoint, Path folder, Compute compute, int slots, Runnable onClose)
            throws IOException {
        BpeTokenizer tokenizer = BpeTokenizer.fromJson(Files.readString(folder.resolve(HuggingFaceFormat.TOKENIZER)));
        Decoder decoder = Decoder.load(folder, compute, slots);
        if (tokenizer.vocabularySize() > decoder.config().vocabularySize()) {
            decoder.close();
            throw new IllegalArgumentException("the tokenizer has %d ids, the model knows %d"
                    .formatted(tokenizer.vocabularySize(), decoder.config().vocabularySize()));
        }
        return new LoadedModel(checkpoint, tokenizer, decoder, onClose);
    }

    Checkpoint checkpoint() {
        return checkpoint;
    }

    BpeTokenizer tokenizer() {
        return tokenizer;
    }

    /** For the decode loop's thread alone. */
    Decoder decoder() {
        return decoder;
    }

    int contextLength() {
        return decoder.config().contextLength();
    }

    /** Whether this token ends a text: end of text, or end of turn. */
    boolean ends(int token) {
        return endings.contains(token);
    }

    /** What a token adds to a text: its bytes, or nothing where it is a special token. */
    byte[] bytesOf(int token) {
        return silent.contains(token) ? new byte[0] : tokenizer.bytesOf(token);
    }

    /** The text of tokens, special tokens left out. */
    String textOf(int... tokens) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int token : tokens) {
            bytes.writeBytes(bytesOf(token));
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }

    /** Takes a lease, unless the model is already retired. */
    synchronized boolean lease() {
        if (retired) {
            return false;
        }
        leases++;
        return true;
    }

    /** Gives a lease back. */
    synchronized void release() {
        leases--;
        closeWhenUnused();
    }

    /** Gives out no more leases and closes the model when all have come back. */
    synchronized void retire() {
        if (!retired) {
            retired = true;
            closeWhenUnused();
        }
    }

    /** Retires the model where nobody holds a lease, and says whether it did. */
    synchronized boolean retireIfUnused() {
        if (leases == 0) {
            retire();
        }
        return retired;
    }

    private void closeWhenUnused() {
        if (retired && leases == 0) {
            decoder.close();
            onClose.run();
        }
    }
}

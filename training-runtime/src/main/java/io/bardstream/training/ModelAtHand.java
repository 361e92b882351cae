package io.bardstream.training;

import io.bardstream.checkpoint.CheckpointStore;
import io.bardstream.checkpoint.CorruptCheckpointException;
import io.bardstream.checkpoint.HuggingFaceFormat;
import io.bardstream.checkpoint.ModelConfig;
import io.bardstream.event.Checkpoint;
import io.bardstream.gpt.Gpt;
import io.bardstream.gpt.GptConfig;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.FreeMemory;
import io.bardstream.kernel.Precision;
import io.bardstream.service.ApiException;
import io.bardstream.service.BardstreamHome;
import io.bardstream.tokenizer.BpeTokenizer;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.scheduler.Scheduled;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * The checkpoint that was last asked about, in float32 and beside whatever is being trained, with which it shares nothing but
 * the processors. One is in memory at a time, for one question at a time, and goes when nobody has asked for a minute. One
 * that free memory would not hold is not loaded.
 */
@ApplicationScoped
public class ModelAtHand {
    private static final long PATIENCE_SECONDS = 30;
    private static final long KEPT_NANOS = TimeUnit.MINUTES.toNanos(1);

    /** Tokens that one forward pass takes at most, whatever the context. */
    public static final int TOKENS_AT_ONCE = 2_048;

    private final CheckpointStore store;
    private final Semaphore free = new Semaphore(1);

    // Guarded by the semaphore:
    private String sha256;
    private Compute compute;
    private Gpt gpt;
    private BpeTokenizer tokenizer;
    private long lastUse;

    ModelAtHand(BardstreamHome home) throws IOException {
        this.store = new CheckpointStore(home.checkpoints());
    }

    /** A question about a model. */
    @FunctionalInterface
    public interface Question<T> {
        T ask(Gpt gpt, BpeTokenizer tokenizer) throws IOException;
    }

    /**
     * Asks about a checkpoint, which is loaded if it is not the one in memory.
     *
     * @throws ApiException 404 where its files are gone, 503 where it cannot be loaded now, saying why
     */
    public <T> T ask(Checkpoint checkpoint, Question<T> question) throws IOException {
        try {
            if (!free.tryAcquire(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                throw ApiException.unavailable(
                        "Another question about a checkpoint is being worked on; ask again later.");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw ApiException.unavailable("The service is stopping.");
        }
        try {
            if (!checkpoint.sha256().equals(sha256)) {
                load(checkpoint);
            }
            return question.ask(gpt, tokenizer);
        } finally {
            lastUse = System.nanoTime();
            free.release();
        }
    }

    @Scheduled(every = "20s", skipExecutionIf = Scheduled.ApplicationNotRunning.class)
    void letGo() {
        if (free.tryAcquire()) {
            try {
                if (System.nanoTime() - lastUse > KEPT_NANOS) {
                    close();
                }
            } finally {
                free.release();
            }
        }
    }

    void stop(@Observes ShutdownEvent event) {
        if (free.tryAcquire()) { // a question under way ends with the process
            close();
        }
    }

    private void load(Checkpoint checkpoint) throws IOException {
        close();
        try {
            Path folder = store.verify(checkpoint.path(), checkpoint.sha256());
            ModelConfig config = HuggingFaceFormat.readConfig(folder);
            requireMemory(
                    checkpoint.id(), GptConfig.of(config), FreeMemory.bytes().orElse(Long.MAX_VALUE));
            tokenizer = BpeTokenizer.fromJson(Files.readString(folder.resolve(HuggingFaceFormat.TOKENIZER)));
            compute = Compute.beside(Precision.FLOAT32);
            gpt = gpt(folder, config);
            sha256 = checkpoint.sha256();
        } catch (NoSuchFileException e) {
            throw new ApiException(
                    404,
                    "The files of checkpoint '" + checkpoint.id() + "' are no longer in the checkpoint store.",
                    null,
                    "checkpoint_not_found");
        } catch (CorruptCheckpointException e) {
            throw ApiException.unavailable(e.getMessage());
        } finally {
            if (sha256 == null) {
                close();
            }
        }
    }

    private Gpt gpt(Path folder, ModelConfig config) throws IOException {
        if (config.labels() != null) {
            return Gpt.loadClassifier(folder, compute);
        }
        return config.reward() != null ? Gpt.loadWithScalarHead(folder, compute) : Gpt.load(folder, compute);
    }

    private void close() {
        sha256 = null;
        tokenizer = null;
        if (gpt != null) {
            gpt.close();
            gpt = null;
        }
        if (compute != null) {
            compute.close();
            compute = null;
        }
    }

    static void requireMemory(String checkpoint, GptConfig shape, long free) {
        long needed = bytes(shape);
        if (needed > free) {
            throw ApiException.unavailable(
                    "Checkpoint '%s' takes %,d MB of memory, %,d MB are free; ask again when less is running."
                            .formatted(checkpoint, needed / 1_000_000, free / 1_000_000));
        }
    }

    /**
     * Weights, and what a forward pass of {@link #TOKENS_AT_ONCE} tokens holds at once: the stream, a block's widest
     * activations, one layer's attention over the whole context, and logits of up to 2²⁵ numbers with their softmax.
     */
    private static long bytes(GptConfig shape) {
        long activations = 12L * TOKENS_AT_ONCE * shape.width();
        long attention = (long) TOKENS_AT_ONCE * shape.contextLength() * shape.heads();
        long logits = 3 * Math.min(1L << 25, (long) TOKENS_AT_ONCE * shape.vocabularySize());
        return Float.BYTES * (shape.parameterCount() + activations + attention + logits);
    }
}

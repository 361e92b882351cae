package io.bardstream.train;

import io.bardstream.tokenizer.ChatFormat.Rendered;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * Batches of conversations, epoch after epoch, each in an order of its own that is a random stream of (seed, epoch): the
 * batch of step N is known without running the steps before it. A batch that an epoch does not fill takes the next one's
 * first. Conversations that do not fit the context are left out; {@link #leftOut()} says how many.
 */
public final class ConversationSampler {
    private final Conversations source;
    private final int contextLength;
    private final int batchSize;
    private final int accumulation;
    private final int pad;
    private final int[] fitting;
    private final EpochOrder<Integer> order;

    /**
     * @param batchSize conversations of a micro-batch
     * @param accumulation micro-batches of a step
     * @param pad id that fills up rows
     * @throws IllegalArgumentException if no conversation fits the context
     */
    public ConversationSampler(
            Conversations source, int contextLength, int batchSize, int accumulation, int pad, long seed) {
        this.source = source;
        this.contextLength = contextLength;
        this.batchSize = batchSize;
        this.accumulation = accumulation;
        this.pad = pad;
        this.fitting = fitting(source, contextLength);
        if (fitting.length == 0) {
            throw new IllegalArgumentException("none of the " + source.count() + " conversations fits a context of "
                    + contextLength + " tokens; use shorter ones or a model of a longer context");
        }
        this.order = new EpochOrder<>(IntStream.of(fitting).boxed().toList(), seed);
    }

    /** The numbers of the conversations that can be trained whole. */
    static int[] fitting(Conversations source, int contextLength) {
        return IntStream.range(0, source.count())
                .filter(i -> Packing.fits(source.length(i), contextLength))
                .toArray();
    }

    /** How many conversations are too long for the context. */
    public int leftOut() {
        return source.count() - fitting.length;
    }

    /** The micro-batch {@code micro} of step {@code step}. */
    public Batch batch(long step, int micro) {
        long first = (step * accumulation + micro) * batchSize;
        List<Rendered> conversations = LongStream.range(first, first + batchSize)
                .mapToInt(this::conversation)
                .mapToObj(source::get)
                .toList();
        return Packing.pack(conversations, contextLength, pad);
    }

    /** The number of the conversation that comes as the {@code position}-th of all epochs. */
    int conversation(long position) {
        return order.at(position);
    }
}

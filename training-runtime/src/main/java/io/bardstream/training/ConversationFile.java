package io.bardstream.training;

import io.bardstream.event.Dataset;
import io.bardstream.event.Dataset.Split;
import io.bardstream.event.Ids;
import io.bardstream.event.InvalidFieldException;
import io.bardstream.event.TokenBlock;
import io.bardstream.tokenizer.BpeTokenizer;
import io.bardstream.tokenizer.ChatFormat.Rendered;
import io.bardstream.train.Conversations;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collection;
import java.util.List;

/**
 * The conversations of one split: their tokens in a {@link TokenFile}, and beside it for each in order its number of tokens as
 * little-endian uint32 and its part of the loss mask from bit 0 on, in ⌈tokens / 8⌉ bytes. Any number of threads may read it.
 */
public final class ConversationFile implements Conversations {
    private final TokenFile tokens;
    private final byte[] outline;
    private final long[] starts; // in the tokens, and where the last one ends
    private final int[] masks; // in the outline

    private ConversationFile(TokenFile tokens, byte[] outline, long[] starts, int[] masks) {
        this.tokens = tokens;
        this.outline = outline;
        this.starts = starts;
        this.masks = masks;
    }

    /** What stands in the file beside the tokens for a block's conversations, none of which lies in two blocks. */
    static byte[] outline(TokenBlock block) {
        int[] starts = Arrays.copyOf(block.documentStarts(), block.documentStarts().length + 1);
        starts[starts.length - 1] = block.tokens().length;
        if (starts[0] != 0 || block.lossMask() == null) {
            throw new InvalidFieldException(
                    "document_starts", "a block of instructions begins with a conversation and has a loss mask");
        }
        int bytes = 0;
        for (int i = 0; i + 1 < starts.length; i++) {
            bytes += Integer.BYTES + maskBytes(starts[i + 1] - starts[i]);
        }
        ByteBuffer outline = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i + 1 < starts.length; i++) {
            int length = starts[i + 1] - starts[i];
            byte[] mask = block.lossMask().get(starts[i], starts[i + 1]).toByteArray();
            outline.putInt(length).put(Arrays.copyOf(mask, maskBytes(length)));
        }
        return outline.array();
    }

    private static int maskBytes(int tokens) {
        return (tokens + 7) / 8;
    }

    /**
     * The conversations of a split whose tokens were opened by {@link TokenFiles}.
     *
     * @throws InvalidFieldException if the split holds none
     */
    public static ConversationFile of(TokenFile tokens, Dataset dataset, String split) throws IOException {
        if (dataset.split(split).orElseThrow().conversations() == null) {
            throw new InvalidFieldException(
                    "dataset",
                    "'" + dataset.id() + "' is of kind " + dataset.kind().label() + ", not of instructions");
        }
        return open(tokens, Files.readAllBytes(outline(tokens.path())));
    }

    static ConversationFile open(TokenFile tokens, byte[] outline) throws DatasetException {
        ByteBuffer buffer = ByteBuffer.wrap(outline).order(ByteOrder.LITTLE_ENDIAN);
        List<Long> starts = new ArrayList<>(List.of(0L));
        List<Integer> masks = new ArrayList<>();
        while (buffer.hasRemaining()) {
            int length = buffer.getInt();
            starts.add(starts.get(masks.size()) + length);
            masks.add(buffer.position());
            buffer.position(buffer.position() + maskBytes(length));
        }
        long end = starts.get(masks.size());
        if (end != tokens.size()) {
            throw new DatasetException("%s: its %d conversations have %d tokens, the file has %d"
                    .formatted(tokens.path(), masks.size(), end, tokens.size()));
        }
        return new ConversationFile(
                tokens,
                outline,
                starts.stream().mapToLong(Long::longValue).toArray(),
                masks.stream().mapToInt(Integer::intValue).toArray());
    }

    /** The file beside the tokens. */
    static Path outline(Path tokens) {
        return tokens.resolveSibling(tokens.getFileName() + ".conversations");
    }

    /** Whether the file beside the tokens is the split's, or the split needs none. */
    static boolean matches(Path tokens, Split split) throws IOException {
        Path outline = outline(tokens);
        return split.conversations() == null
                || (Files.isRegularFile(outline)
                        && Ids.sha256(Files.readAllBytes(outline))
                                .equals(split.conversations().sha256()));
    }

    /** What a manifest says of them. */
    Dataset.Conversations description() {
        long trained = 0;
        int longest = 0;
        for (int i = 0; i < count(); i++) {
            trained += trained(i).cardinality();
            longest = Math.max(longest, length(i));
        }
        return new Dataset.Conversations(count(), trained, longest, Ids.sha256(outline));
    }

    /** Length of the texts that are trained, in UTF-8, without the ends of their turns. */
    long trainedBytes(BpeTokenizer tokenizer) {
        Collection<Integer> special = tokenizer.specialTokens().values();
        long bytes = 0;
        for (int i = 0; i < count(); i++) {
            Rendered one = get(i);
            bytes += one.trained().stream()
                    .map(at -> one.tokens()[at])
                    .filter(token -> !special.contains(token))
                    .map(token -> tokenizer.bytesOf(token).length)
                    .sum();
        }
        return bytes;
    }

    /** The tokens of all conversations, one behind another. */
    public TokenFile tokens() {
        return tokens;
    }

    @Override
    public int count() {
        return masks.length;
    }

    @Override
    public int length(int conversation) {
        return (int) (starts[conversation + 1] - starts[conversation]);
    }

    @Override
    public Rendered get(int conversation) {
        int[] ids = new int[length(conversation)];
        tokens.copy(starts[conversation], ids);
        return new Rendered(ids, trained(conversation));
    }

    private BitSet trained(int conversation) {
        return BitSet.valueOf(ByteBuffer.wrap(outline, masks[conversation], maskBytes(length(conversation))));
    }
}

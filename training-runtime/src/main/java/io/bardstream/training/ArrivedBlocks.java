package io.bardstream.training;

import io.bardstream.event.Dataset;
import io.bardstream.event.Dataset.Range;
import io.bardstream.event.Dataset.Split;
import io.bardstream.event.InvalidFieldException;
import io.bardstream.event.TokenBlock;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;

/**
 * A split's blocks as they came from the log: their tokens in a file, in the order of arrival, and where each block lies in it.
 * Every block was checked against its own sha256 and the dataset; of one that came twice the first counts. Memory is bounded by
 * the number of blocks.
 */
final class ArrivedBlocks {
    private final Path file;
    private final SortedMap<Long, Piece> pieces;

    private ArrivedBlocks(Path file, SortedMap<Long, Piece> pieces) {
        this.file = file;
        this.pieces = pieces;
    }

    /**
     * Where a block lies in the file of arrivals.
     *
     * @param outline of its conversations; empty for a text
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Piece(long position, int bytes, byte[] outline) {}

    /**
     * Reads a split's ranges.
     *
     * @param file to be made
     * @throws DatasetException where a record is gone or damaged
     */
    static ArrivedBlocks read(
            LogReader log, Dataset dataset, Split split, boolean wide, Path file, BooleanSupplier interrupted)
            throws IOException, InterruptedException {
        SortedMap<Long, Piece> pieces = new TreeMap<>();
        try (Consumer<byte[], byte[]> consumer = log.consumer();
                FileChannel out = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            for (Range range : split.ranges()) {
                RangeReader records = new RangeReader(consumer, range, interrupted);
                for (List<ConsumerRecord<byte[], byte[]>> some = records.next();
                        !some.isEmpty();
                        some = records.next()) {
                    for (ConsumerRecord<byte[], byte[]> record : some) {
                        if (belongs(record, dataset, split)) {
                            append(block(record, dataset, split, wide), wide, pieces, out);
                        }
                    }
                }
            }
            out.force(false);
        }
        return new ArrivedBlocks(file, pieces);
    }

    /** Those from the first to the last before one that is missing. */
    ArrivedBlocks unbroken() {
        long count = 0;
        while (pieces.containsKey(count)) {
            count++;
        }
        return new ArrivedBlocks(file, pieces.headMap(count));
    }

    int count() {
        return pieces.size();
    }

    /** Where conversations start and what of them is trained, in the order of the blocks. */
    byte[] outline() {
        ByteArrayOutputStream outline = new ByteArrayOutputStream();
        pieces.values().forEach(piece -> outline.writeBytes(piece.outline()));
        return outline.toByteArray();
    }

    /** @throws DatasetException where they are not the blocks that the manifest counts */
    void checkComplete(Dataset dataset, Split split) throws DatasetException {
        for (long block = 0; block < split.blocks(); block++) {
            if (!pieces.containsKey(block)) {
                throw new DatasetException("dataset %s, split %s: block %d of %d is not in its ranges %s"
                        .formatted(dataset.id(), split.name(), block, split.blocks(), TokenFiles.where(split)));
            }
        }
        if (pieces.size() > split.blocks()) {
            throw new DatasetException("dataset %s, split %s: its ranges %s hold block %d, its manifest has %d blocks"
                    .formatted(dataset.id(), split.name(), TokenFiles.where(split), pieces.lastKey(), split.blocks()));
        }
    }

    /** A file of the tokens in order: that of their arrival where that was it, or else the one to be made. */
    Path inOrder(Path ordered) throws IOException {
        if (inOrder()) {
            return file;
        }
        copy(ordered);
        return ordered;
    }

    /** Makes a file of the tokens in order. */
    void copy(Path ordered) throws IOException {
        try (FileChannel in = FileChannel.open(file, StandardOpenOption.READ);
                FileChannel out = FileChannel.open(ordered, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            for (Piece piece : pieces.values()) {
                for (long done = 0; done < piece.bytes(); ) {
                    done += in.transferTo(piece.position() + done, piece.bytes() - done, out);
                }
            }
            out.force(false);
        }
    }

    private boolean inOrder() {
        long end = 0;
        for (Piece piece : pieces.values()) {
            if (piece.position() != end) {
                return false;
            }
            end += piece.bytes();
        }
        return true;
    }

    private static void append(TokenBlock block, boolean wide, SortedMap<Long, Piece> pieces, FileChannel out)
            throws IOException {
        int bytes = block.tokens().length * TokenFile.width(wide);
        byte[] outline = block.lossMask() == null ? new byte[0] : ConversationFile.outline(block);
        if (pieces.putIfAbsent(block.block(), new Piece(out.position(), bytes, outline)) != null) {
            return;
        }
        ByteBuffer buffer = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
        for (int token : block.tokens()) {
            if (wide) {
                buffer.putInt(token);
            } else {
                buffer.putShort((short) token);
            }
        }
        buffer.flip();
        while (buffer.hasRemaining()) {
            out.write(buffer);
        }
    }

    private static boolean belongs(ConsumerRecord<byte[], byte[]> record, Dataset dataset, Split split) {
        return dataset.id().equals(text(record, "dataset")) && split.name().equals(text(record, "split"));
    }

    private static TokenBlock block(ConsumerRecord<byte[], byte[]> record, Dataset dataset, Split split, boolean wide)
            throws DatasetException {
        Map<String, byte[]> headers = new HashMap<>();
        for (Header header : record.headers()) {
            headers.put(header.key(), header.value());
        }
        TokenBlock block;
        try {
            if (record.value() == null) {
                throw new InvalidFieldException("value", "is empty");
            }
            block = TokenBlock.read(headers, record.value());
            if (block.wide() != wide) {
                throw new InvalidFieldException("dtype", "does not fit the vocabulary of " + dataset.vocabularySize());
            }
            if (!block.tokenizerSha256().equals(dataset.tokenizerSha256())) {
                throw new InvalidFieldException(
                        "tokenizer-sha256",
                        block.tokenizerSha256() + " is not the dataset's " + dataset.tokenizerSha256());
            }
            if ((block.lossMask() == null) != (split.conversations() == null)) {
                throw new InvalidFieldException(
                        "loss_mask", "is missing, or stands where the manifest knows of no conversations");
            }
            for (int token : block.tokens()) {
                if (token >= dataset.vocabularySize()) {
                    throw new InvalidFieldException(
                            "tokens", "id " + token + " is outside the vocabulary of " + dataset.vocabularySize());
                }
            }
        } catch (InvalidFieldException e) {
            throw new DatasetException("dataset %s: the record at topic %s, partition %d, offset %d is damaged: %s"
                    .formatted(dataset.id(), record.topic(), record.partition(), record.offset(), e.getMessage()));
        }
        return block;
    }

    private static String text(ConsumerRecord<byte[], byte[]> record, String name) {
        Header header = record.headers().lastHeader(name);
        return header == null || header.value() == null ? null : new String(header.value(), StandardCharsets.UTF_8);
    }
}

package io.bardstream.training;

import io.bardstream.train.TokenSource;
import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * The token ids of one split in a memory-mapped file: little-endian uint16 or uint32 and nothing else, as nanoGPT's
 * {@code train.bin}. It is a copy of records in Kafka and may be deleted at any time. Any number of threads may read it.
 */
public final class TokenFile implements TokenSource {
    /** Bytes of a mapping; a buffer holds at most 2 GiB. A multiple of both widths, so no id lies across two. */
    private static final long SEGMENT = 1L << 30;

    private final Path path;
    private final boolean wide;
    private final long size;
    private final MappedByteBuffer[] segments;

    private TokenFile(Path path, boolean wide, long size, MappedByteBuffer[] segments) {
        this.path = path;
        this.wide = wide;
        this.size = size;
        this.segments = segments;
    }

    /** Maps a file of ids; {@code wide} ids take four bytes, others two. */
    static TokenFile open(Path path, boolean wide) throws IOException {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            long bytes = channel.size();
            MappedByteBuffer[] segments = new MappedByteBuffer[Math.toIntExact((bytes + SEGMENT - 1) / SEGMENT)];
            for (int i = 0; i < segments.length; i++) {
                long start = i * SEGMENT;
                segments[i] = channel.map(FileChannel.MapMode.READ_ONLY, start, Math.min(SEGMENT, bytes - start));
                segments[i].order(ByteOrder.LITTLE_ENDIAN);
            }
            return new TokenFile(path, wide, bytes / width(wide), segments);
        }
    }

    static int width(boolean wide) {
        return wide ? Integer.BYTES : Short.BYTES;
    }

    public Path path() {
        return path;
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public void copy(long position, int[] into) {
        if (position < 0 || position + into.length > size) {
            throw new IndexOutOfBoundsException(
                    "tokens " + position + " to " + (position + into.length) + " of a split of " + size);
        }
        for (int i = 0; i < into.length; i++) {
            long at = (position + i) * width(wide);
            MappedByteBuffer segment = segments[(int) (at / SEGMENT)];
            int offset = (int) (at % SEGMENT);
            into[i] = wide ? segment.getInt(offset) : Short.toUnsignedInt(segment.getShort(offset));
        }
    }
}

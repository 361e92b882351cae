package io.bardstream.checkpoint;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Set;
import java.util.function.Supplier;

/**
 * A safetensors file opened for reading (https://github.com/huggingface/safetensors, "Format"): eight bytes with the
 * header's length, the header in JSON, then the tensors' bytes, little-endian, one after another.
 *
 * <p>The file may be any size and any tensor larger than 2 GiB: bytes are mapped, not read, so opening costs the header
 * alone and no heap grows with the tensors. The file is not trusted. Before a tensor can be asked for, the header's length
 * is checked against the file, and every element type, shape and range against the bytes that are there: no overlap, no hole,
 * no byte left over, no name twice. What does not hold is a {@link SafeTensorsException}; nothing is allocated by a length
 * that the file merely claims.
 *
 * <p>Safe for use by many threads. A buffer handed out stays valid after {@link #close()}. The file must not be truncated
 * while it is mapped; checkpoint folders never change once they have their name.
 */
public final class SafeTensors implements AutoCloseable {

    /**
     * A longer header is refused whatever the file's size. The reference implementation takes ten times as much, which
     * parsed is more than a small heap holds; this is room for 80,000 tensors, and GPT-2's largest has 580.
     */
    static final long LARGEST_HEADER = 10_000_000;

    /** As PyTorch has it. */
    static final int MOST_DIMENSIONS = 64;

    static final String METADATA = "__metadata__";

    private static final int LENGTH_BYTES = 8;

    private static final JsonFactory JSON = JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .disable(JsonFactory.Feature.CHARSET_DETECTION)
            .build();

    private final Path file;
    private final FileChannel channel;
    private final Map<String, Entry> entries;
    private final Map<String, String> metadata;

    /** A tensor and the position in the file at which its bytes begin. */
    private record Entry(TensorInfo info, long position) {}

    private SafeTensors(Path file, FileChannel channel, Map<String, Entry> entries, Map<String, String> metadata) {
        this.file = file;
        this.channel = channel;
        this.entries = entries;
        this.metadata = metadata;
    }

    /**
     * Opens a file and checks its header against it.
     *
     * @throws SafeTensorsException where the file is not what it claims to be
     */
    public static SafeTensors open(Path file) throws IOException {
        FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
        try {
            return new Header(file, channel).read();
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    /** The names of all tensors, in the order of their bytes in the file. */
    public Set<String> names() {
        return Collections.unmodifiableSet(entries.keySet());
    }

    /** Whether the file has a tensor of this name. */
    public boolean has(String name) {
        return entries.containsKey(name);
    }

    /** Type and shape of one tensor; {@link NoSuchElementException} where there is none of that name. */
    public TensorInfo info(String name) {
        return entry(name).info();
    }

    /** The header's {@code __metadata__}, empty where it has none. */
    public Map<String, String> metadata() {
        return metadata;
    }

    /**
     * The bytes of one tensor, mapped, read-only and little-endian.
     *
     * @throws IllegalArgumentException for a tensor of more than 2 GiB − 1 bytes, which is read in parts
     */
    public ByteBuffer data(String name) throws IOException {
        long bytes = info(name).bytes();
        if (bytes > Integer.MAX_VALUE) {
            throw new IllegalArgumentException(
                    "tensor '%s' has %,d bytes, one buffer holds at most %,d: read it in parts with data(name, offset, length)"
                            .formatted(name, bytes, Integer.MAX_VALUE));
        }
        return data(name, 0, (int) bytes);
    }

    /** A part of one tensor's bytes, counted from the tensor's beginning; mapped, read-only and little-endian. */
    public ByteBuffer data(String name, long offset, int length) throws IOException {
        Entry entry = entry(name);
        Objects.checkFromIndexSize(offset, length, entry.info().bytes());
        return channel.map(FileChannel.MapMode.READ_ONLY, entry.position() + offset, length)
                .order(ByteOrder.LITTLE_ENDIAN);
    }

    /**
     * Fills the destination's remaining room with elements of a floating-point tensor (F64, F32, F16 or BF16) as floats,
     * from the element at {@code first} on.
     */
    public void readFloats(String name, long first, FloatBuffer destination) throws IOException {
        TensorInfo info = info(name);
        Objects.checkFromIndexSize(first, destination.remaining(), info.elements());
        int width = info.type().bytes();
        int atOnce = Integer.MAX_VALUE / width;
        while (destination.hasRemaining()) {
            int count = Math.min(atOnce, destination.remaining());
            Floats.decode(info, data(name, first * width, count * width), destination, count);
            first += count;
        }
    }

    /** Ends reading. Buffers already handed out stay valid. */
    @Override
    public void close() throws IOException {
        channel.close();
    }

    private Entry entry(String name) {
        Entry entry = entries.get(name);
        if (entry == null) {
            throw new NoSuchElementException("%s has no tensor '%s'; it has %,d, the first of them %s"
                    .formatted(
                            file,
                            name,
                            entries.size(),
                            entries.keySet().stream().limit(4).toList()));
        }
        return entry;
    }

    /** Reads and checks a header: the one place that looks at bytes nobody has vouched for yet. */
    private static final class Header {
        private final Path file;
        private final FileChannel channel;
        private final Map<String, String> metadata = new LinkedHashMap<>();
        private final List<Claim> claims = new ArrayList<>();

        /** What the header says of one tensor: the range of its bytes, from the end of the header. */
        private record Claim(TensorInfo info, long begin, long end) {}

        Header(Path file, FileChannel channel) {
            this.file = file;
            this.channel = channel;
        }

        SafeTensors read() throws IOException {
            long fileSize = channel.size();
            if (fileSize < LENGTH_BYTES) {
                throw bad("it has %,d bytes, the header's length alone takes %d".formatted(fileSize, LENGTH_BYTES));
            }
            ByteBuffer lengthBytes = ByteBuffer.allocate(LENGTH_BYTES).order(ByteOrder.LITTLE_ENDIAN);
            while (lengthBytes.hasRemaining() && channel.read(lengthBytes, lengthBytes.position()) >= 0) {}
            long length = lengthBytes.getLong(0);
            if (length < 0 || length > LARGEST_HEADER) {
                throw bad("its header claims %s bytes, at most %,d are allowed"
                        .formatted(Long.toUnsignedString(length), LARGEST_HEADER));
            }
            if (length > fileSize - LENGTH_BYTES) {
                throw bad("its header claims %,d bytes, the file has %,d after the length"
                        .formatted(length, fileSize - LENGTH_BYTES));
            }
            try (JsonParser json = JSON.createParser(headerBytes(length))) {
                parse(json);
            } catch (JsonProcessingException e) {
                throw new SafeTensorsException(
                        file, "its header is not the JSON expected: " + e.getOriginalMessage(), e);
            }
            long dataStart = LENGTH_BYTES + length;
            return new SafeTensors(file, channel, placed(dataStart, fileSize - dataStart), Map.copyOf(metadata));
        }

        private InputStream headerBytes(long length) throws IOException {
            ByteBuffer header = channel.map(FileChannel.MapMode.READ_ONLY, LENGTH_BYTES, length);
            return new InputStream() {
                @Override
                public int read() {
                    return header.hasRemaining() ? header.get() & 0xff : -1;
                }

                @Override
                public int read(byte[] into, int offset, int count) {
                    if (!header.hasRemaining()) {
                        return count == 0 ? 0 : -1;
                    }
                    int taken = Math.min(count, header.remaining());
                    header.get(into, offset, taken);
                    return taken;
                }
            };
        }

        private void parse(JsonParser json) throws IOException {
            expect(json, json.nextToken(), JsonToken.START_OBJECT, () -> "the header");
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                String name = json.currentName();
                expect(json, json.nextToken(), JsonToken.START_OBJECT, () -> "'" + name + "'");
                if (name.equals(METADATA)) {
                    parseMetadata(json);
                } else {
                    claims.add(parseTensor(name, json));
                }
            }
            if (json.nextToken() != null) {
                throw bad("its header goes on after the JSON object");
            }
        }

        private void parseMetadata(JsonParser json) throws IOException {
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                String key = json.currentName();
                expect(json, json.nextToken(), JsonToken.VALUE_STRING, () -> METADATA + "." + key);
                metadata.put(key, json.getText());
            }
        }

        private Claim parseTensor(String name, JsonParser json) throws IOException {
            TensorType type = null;
            List<Long> shape = null;
            List<Long> range = null;
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                String field = json.currentName();
                json.nextToken();
                switch (field) {
                    case "dtype" -> type = parseType(name, json);
                    case "shape" -> shape = parseNumbers(name, "shape", json);
                    case "data_offsets" -> range = parseNumbers(name, "data_offsets", json);
                    default ->
                        throw bad("tensor '%s' has the field '%s', known are dtype, shape and data_offsets"
                                .formatted(name, field));
                }
            }
            if (type == null || shape == null || range == null) {
                throw bad("tensor '%s' does not have all of dtype, shape and data_offsets".formatted(name));
            }
            if (range.size() != 2) {
                throw bad("tensor '%s' has data_offsets %s, expected are a begin and an end".formatted(name, range));
            }
            try {
                return new Claim(new TensorInfo(name, type, shape), range.get(0), range.get(1));
            } catch (IllegalArgumentException e) {
                throw new SafeTensorsException(file, e.getMessage(), e);
            }
        }

        private TensorType parseType(String name, JsonParser json) throws IOException {
            expect(json, json.currentToken(), JsonToken.VALUE_STRING, () -> "the dtype of tensor '" + name + "'");
            String dtype = json.getText();
            for (TensorType type : TensorType.values()) {
                if (type.name().equals(dtype)) {
                    return type;
                }
            }
            throw bad("tensor '%s' has dtype '%s', known are %s".formatted(name, dtype, List.of(TensorType.values())));
        }

        private List<Long> parseNumbers(String name, String field, JsonParser json) throws IOException {
            Supplier<String> where = () -> "the %s of tensor '%s'".formatted(field, name);
            expect(json, json.currentToken(), JsonToken.START_ARRAY, where);
            List<Long> numbers = new ArrayList<>(2);
            while (json.nextToken() != JsonToken.END_ARRAY) {
                expect(json, json.currentToken(), JsonToken.VALUE_NUMBER_INT, where);
                if (numbers.size() == MOST_DIMENSIONS) {
                    throw bad("%s has more than %d numbers".formatted(where.get(), MOST_DIMENSIONS));
                }
                numbers.add(json.getLongValue());
            }
            return numbers;
        }

        /** Lays the tensors side by side: they must cover the data exactly, in some order. */
        private Map<String, Entry> placed(long dataStart, long dataSize) throws IOException {
            claims.sort(Comparator.comparingLong(Claim::begin).thenComparingLong(Claim::end));
            Map<String, Entry> entries = new LinkedHashMap<>();
            long covered = 0;
            for (Claim claim : claims) {
                TensorInfo info = claim.info();
                if (claim.begin() != covered) {
                    throw bad("tensor '%s' begins at %,d, expected is %,d, where the tensor before it ends"
                            .formatted(info.name(), claim.begin(), covered));
                }
                if (claim.end() < claim.begin() || claim.end() > dataSize) {
                    throw bad("tensor '%s' claims bytes %,d to %,d, the file has %,d after its header"
                            .formatted(info.name(), claim.begin(), claim.end(), dataSize));
                }
                if (claim.end() - claim.begin() != info.bytes()) {
                    throw bad("tensor '%s' of type %s and shape %s takes %,d bytes, its data_offsets span %,d"
                            .formatted(
                                    info.name(), info.type(), info.shape(), info.bytes(), claim.end() - claim.begin()));
                }
                entries.put(info.name(), new Entry(info, dataStart + claim.begin()));
                covered = claim.end();
            }
            if (covered != dataSize) {
                throw bad("its tensors end at byte %,d of %,d: %,d bytes belong to none"
                        .formatted(covered, dataSize, dataSize - covered));
            }
            return entries;
        }

        private void expect(JsonParser json, JsonToken found, JsonToken expected, Supplier<String> where)
                throws IOException {
            if (found != expected) {
                throw bad("%s is %s, expected is %s (at byte %,d of the header)"
                        .formatted(
                                where.get(),
                                found,
                                expected,
                                json.currentTokenLocation().getByteOffset()));
            }
        }

        private SafeTensorsException bad(String what) {
            return new SafeTensorsException(file, what);
        }
    }
}

package io.bardstream.checkpoint;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes a safetensors file as a stream: first every tensor is declared, then {@link #write} asks each for its bytes when its
 * turn comes, so that never more than one piece of one tensor is in memory.
 *
 * <p>The bytes are a function of what was declared and of nothing else: tensors lie by element width (widest first, which
 * keeps them aligned) and then by name, as the reference implementation lays them, the header is padded to eight bytes, and
 * neither time nor id stands in it.
 */
public final class SafeTensorsWriter {

    private final Map<String, Declared> tensors = new LinkedHashMap<>();

    private record Declared(TensorInfo info, Content content) {}

    /** Delivers one tensor's bytes, in as many pieces as it likes; called once, on the thread that writes. */
    @FunctionalInterface
    public interface Content {
        void writeTo(Sink sink) throws IOException;
    }

    /** Takes one tensor's bytes in order. */
    public interface Sink {
        /** Appends the buffer's remaining bytes, which are little-endian elements. */
        void write(ByteBuffer bytes) throws IOException;

        /** Appends floats as F32. */
        void write(FloatBuffer floats) throws IOException;

        /** Appends floats as F32. */
        default void write(float[] floats) throws IOException {
            write(FloatBuffer.wrap(floats));
        }
    }

    /** Declares a tensor; its content is asked for by {@link #write}. */
    public SafeTensorsWriter add(TensorInfo info, Content content) {
        if (info.name().equals(SafeTensors.METADATA)) {
            throw new IllegalArgumentException("a tensor cannot be called '%s'".formatted(SafeTensors.METADATA));
        }
        if (tensors.putIfAbsent(info.name(), new Declared(info, content)) != null) {
            throw new IllegalArgumentException("tensor '%s' is declared twice".formatted(info.name()));
        }
        return this;
    }

    /** Declares a tensor of floats that are at hand. */
    public SafeTensorsWriter add(String name, float[] values, long... shape) {
        return add(TensorInfo.of(name, TensorType.F32, shape), sink -> sink.write(values));
    }

    /**
     * Writes the file, which must not exist yet, and forces it to the disk.
     *
     * @throws IllegalStateException where a tensor delivers more or fewer bytes than its shape takes
     */
    public void write(Path file) throws IOException {
        List<Declared> order = tensors.values().stream()
                .sorted(Comparator.comparing((Declared d) -> -d.info().type().bytes())
                        .thenComparing(d -> d.info().name()))
                .toList();
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW)) {
            ChannelSink sink = new ChannelSink(channel);
            sink.raw(header(order));
            for (Declared tensor : order) {
                sink.begin(tensor.info());
                tensor.content().writeTo(sink);
                sink.end();
            }
            sink.flush();
            channel.force(true);
        }
    }

    private static ByteBuffer header(List<Declared> order) throws IOException {
        ByteArrayOutputStream json = new ByteArrayOutputStream();
        try (JsonGenerator generator = new JsonFactory().createGenerator(json)) {
            generator.writeStartObject();
            generator.writeObjectFieldStart(SafeTensors.METADATA);
            generator.writeStringField("format", "pt");
            generator.writeEndObject();
            long position = 0;
            for (Declared tensor : order) {
                TensorInfo info = tensor.info();
                generator.writeObjectFieldStart(info.name());
                generator.writeStringField("dtype", info.type().name());
                generator.writeFieldName("shape");
                generator.writeArray(info.dimensions(), 0, info.shape().size());
                generator.writeFieldName("data_offsets");
                generator.writeArray(new long[] {position, position + info.bytes()}, 0, 2);
                generator.writeEndObject();
                position = Math.addExact(position, info.bytes());
            }
            generator.writeEndObject();
        }
        while (json.size() % 8 != 0) {
            json.write(' ');
        }
        return ByteBuffer.allocate(8 + json.size())
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(json.size())
                .put(json.toByteArray())
                .flip();
    }

    /** Gathers small pieces into one buffer, passes large ones on, and counts both against the tensor's size. */
    private static final class ChannelSink implements Sink {
        private final FileChannel channel;
        private final ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 20).order(ByteOrder.LITTLE_ENDIAN);
        private TensorInfo tensor;
        private long written;

        ChannelSink(FileChannel channel) {
            this.channel = channel;
        }

        void begin(TensorInfo next) {
            tensor = next;
            written = 0;
        }

        void end() {
            if (written != tensor.bytes()) {
                throw new IllegalStateException(
                        "tensor '%s' of type %s and shape %s delivered %,d bytes, expected are %,d"
                                .formatted(tensor.name(), tensor.type(), tensor.shape(), written, tensor.bytes()));
            }
        }

        @Override
        public void write(ByteBuffer bytes) throws IOException {
            count(bytes.remaining());
            raw(bytes);
        }

        @Override
        public void write(FloatBuffer floats) throws IOException {
            if (tensor.type() != TensorType.F32) {
                throw new IllegalStateException(
                        "tensor '%s' is declared as %s, floats are F32".formatted(tensor.name(), tensor.type()));
            }
            count(4L * floats.remaining());
            while (floats.hasRemaining()) {
                if (buffer.remaining() < 4) {
                    flush();
                }
                int taken = Math.min(buffer.remaining() / 4, floats.remaining());
                FloatBuffer piece = floats.slice().limit(taken);
                buffer.asFloatBuffer().put(piece);
                buffer.position(buffer.position() + 4 * taken);
                floats.position(floats.position() + taken);
            }
        }

        /** Bytes that belong to no tensor, and those that are counted already. */
        void raw(ByteBuffer bytes) throws IOException {
            if (bytes.remaining() > buffer.remaining()) {
                flush();
            }
            if (bytes.remaining() > buffer.remaining()) {
                drain(bytes);
            } else {
                buffer.put(bytes);
            }
        }

        void flush() throws IOException {
            buffer.flip();
            drain(buffer);
            buffer.clear();
        }

        private void count(long more) {
            written += more;
            if (written > tensor.bytes()) {
                end();
            }
        }

        private void drain(ByteBuffer bytes) throws IOException {
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        }
    }
}

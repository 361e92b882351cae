package io.bardstream.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Reading and writing of honest files; {@link HostileSafeTensorsTest} has the others. */
class SafeTensorsTest {
    @TempDir
    Path folder;

    @Test
    void whatIsWrittenIsReadBack() throws IOException {
        // Given
        Path file = folder.resolve("model.safetensors");
        float[] weight = {1, -2, 3.5f, Float.MIN_VALUE, Float.MAX_VALUE, -0f};
        new SafeTensorsWriter()
                .add("weight", weight, 2, 3)
                .add("empty", new float[0], 0, 7)
                .add(
                        TensorInfo.of("steps", TensorType.I64),
                        sink -> sink.write(littleEndian(8).putLong(0, 600)))
                .write(file);

        // When
        try (SafeTensors read = SafeTensors.open(file)) {
            // Then
            assertThat(read.names()).containsExactly("steps", "empty", "weight");
            assertThat(read.metadata()).containsExactly(Map.entry("format", "pt"));
            assertThat(read.info("weight")).isEqualTo(TensorInfo.of("weight", TensorType.F32, 2, 3));
            assertThat(floats(read.data("weight"))).containsExactly(weight);
            assertThat(read.data("steps").getLong()).isEqualTo(600);
            assertThat(read.data("empty").remaining()).isZero();
            assertThat(read.data("weight", 8, 4).getFloat()).isEqualTo(3.5f);
        }
    }

    @Test
    void theBytesOfTheFormatAreTheseAndNoOthers() throws IOException {
        // Given
        Path file = folder.resolve("model.safetensors");

        // When
        new SafeTensorsWriter()
                .add("b", new float[] {1}, 1)
                .add("a", new float[] {2})
                .write(file);

        // Then
        String header = "{\"__metadata__\":{\"format\":\"pt\"},"
                + "\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]},"
                + "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}";
        String padded = header + " ".repeat((8 - header.length() % 8) % 8);
        ByteBuffer expected = littleEndian(8 + padded.length() + 8)
                .putLong(padded.length())
                .put(padded.getBytes(StandardCharsets.UTF_8))
                .putFloat(2)
                .putFloat(1);
        assertThat(Files.readAllBytes(file)).isEqualTo(expected.array());
    }

    @Test
    void theOrderOfDeclarationDoesNotMatter() throws IOException {
        // Given
        Path first = folder.resolve("first");
        Path second = folder.resolve("second");
        TensorInfo half = TensorInfo.of("half", TensorType.BF16, 1);

        // When
        new SafeTensorsWriter()
                .add(half, sink -> sink.write(littleEndian(2)))
                .add("x", new float[] {1}, 1)
                .write(first);
        new SafeTensorsWriter()
                .add("x", new float[] {1}, 1)
                .add(half, sink -> sink.write(littleEndian(2)))
                .write(second);

        // Then
        assertThat(Files.mismatch(first, second)).isEqualTo(-1);
        try (SafeTensors read = SafeTensors.open(first)) {
            assertThat(read.names()).containsExactly("x", "half");
        }
    }

    @Test
    void aTensorDeliveredInUnevenPiecesIsTheSame() throws IOException {
        // Given
        float[] values = new float[1_000_003];
        for (int i = 0; i < values.length; i++) {
            values[i] = i * 0.5f;
        }
        Path whole = folder.resolve("whole");
        Path pieces = folder.resolve("pieces");
        TensorInfo info = TensorInfo.of("x", TensorType.F32, values.length);

        // When
        new SafeTensorsWriter().add("x", values, values.length).write(whole);
        new SafeTensorsWriter()
                .add(info, sink -> {
                    FloatBuffer all = FloatBuffer.wrap(values);
                    for (int size = 1; all.hasRemaining(); size = 3 * size + 1) {
                        int taken = Math.min(size, all.remaining());
                        sink.write(all.slice().limit(taken));
                        all.position(all.position() + taken);
                    }
                })
                .write(pieces);

        // Then
        assertThat(Files.mismatch(whole, pieces)).isEqualTo(-1);
        try (SafeTensors read = SafeTensors.open(whole)) {
            assertThat(Arrays.equals(floats(read.data("x")), values)).isTrue();
        }
    }

    @Test
    void aTensorThatDeliversTooLittleOrTooMuchIsRefused() {
        TensorInfo two = TensorInfo.of("x", TensorType.F32, 2);
        for (int delivered : new int[] {1, 3}) {
            Path file = folder.resolve("x" + delivered);
            SafeTensorsWriter writer = new SafeTensorsWriter().add(two, sink -> sink.write(new float[delivered]));
            assertThatThrownBy(() -> writer.write(file))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("'x'")
                    .hasMessageContaining("expected are 8");
        }
    }

    @Test
    void aTensorBeyondTwoGibibytesIsReadInParts() throws IOException {
        // Given: a sparse file, so that three gibibytes take no room
        Path file = folder.resolve("huge.safetensors");
        long elements = 3L << 28;
        String header =
                "{\"x\":{\"dtype\":\"F32\",\"shape\":[%d],\"data_offsets\":[0,%d]}}".formatted(elements, 4 * elements);
        try (RandomAccessFile huge = new RandomAccessFile(file.toFile(), "rw")) {
            huge.write(littleEndian(8).putLong(header.length()).array());
            huge.write(header.getBytes(StandardCharsets.UTF_8));
            huge.setLength(8 + header.length() + 4 * elements);
            huge.seek(8 + header.length() + 4 * (elements - 1));
            huge.write(littleEndian(4).putFloat(42).array());
        }

        // When
        try (SafeTensors read = SafeTensors.open(file)) {
            FloatBuffer last = FloatBuffer.allocate(2);
            read.readFloats("x", elements - 2, last);

            // Then
            assertThat(last.array()).containsExactly(0, 42);
            assertThat(read.data("x", 4 * elements - 4, 4).getFloat()).isEqualTo(42);
            assertThatThrownBy(() -> read.data("x"))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("data(name, offset, length)");
            assertThatThrownBy(() -> read.data("x", 4 * elements, 1)).isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @Test
    void aBufferOutlivesTheReader() throws IOException {
        Path file = folder.resolve("x");
        new SafeTensorsWriter().add("x", new float[] {7}, 1).write(file);
        ByteBuffer data;
        try (SafeTensors read = SafeTensors.open(file)) {
            data = read.data("x");
        }
        assertThat(data.getFloat(0)).isEqualTo(7);
        assertThat(data.isReadOnly()).isTrue();
    }

    @Test
    void anUnknownNameIsAnErrorThatSaysWhatThereIs() throws IOException {
        Path file = folder.resolve("x");
        new SafeTensorsWriter().add("present", new float[] {7}, 1).write(file);
        try (SafeTensors read = SafeTensors.open(file)) {
            assertThatThrownBy(() -> read.data("absent"))
                    .isInstanceOf(NoSuchElementException.class)
                    .hasMessageContaining("absent")
                    .hasMessageContaining("present");
        }
    }

    @Test
    void everyFloatingTypeIsReadAsFloats() throws IOException {
        // Given
        Path file = folder.resolve("x");
        new SafeTensorsWriter()
                .add(
                        TensorInfo.of("f64", TensorType.F64, 1),
                        sink -> sink.write(littleEndian(8).putDouble(0, 0.1)))
                .add("f32", new float[] {0.1f}, 1)
                .add(
                        TensorInfo.of("f16", TensorType.F16, 1),
                        sink -> sink.write(littleEndian(2).putShort(0, (short) 0x3555)))
                .add(
                        TensorInfo.of("bf16", TensorType.BF16, 1),
                        sink -> sink.write(littleEndian(2).putShort(0, (short) 0x3dcd)))
                .add(TensorInfo.of("i32", TensorType.I32, 1), sink -> sink.write(littleEndian(4)))
                .write(file);

        // When, then
        try (SafeTensors read = SafeTensors.open(file)) {
            assertThat(one(read, "f64")).isEqualTo(0.1f);
            assertThat(one(read, "f32")).isEqualTo(0.1f);
            assertThat(one(read, "f16")).isEqualTo(0.333251953125f);
            assertThat(one(read, "bf16")).isEqualTo(0.10009765625f);
            assertThatThrownBy(() -> one(read, "i32"))
                    .hasMessageContaining("I32")
                    .hasMessageContaining("BF16");
        }
    }

    /** Values of IEEE 754-2019, 3.6, worked by hand. */
    @ParameterizedTest
    @CsvSource({
        "0x0000, 0.0",
        "0x8000, -0.0",
        "0x0001, 5.9604644775390625E-8",
        "0x03ff, 6.097555160522461E-5",
        "0x0400, 6.103515625E-5",
        "0x8400, -6.103515625E-5",
        "0x3c00, 1.0",
        "0xc000, -2.0",
        "0x7bff, 65504.0",
        "0x7c00, Infinity",
        "0xfc00, -Infinity",
        "0x7e00, NaN"
    })
    void halfPrecisionFollowsTheStandard(String bits, float expected) {
        assertThat(Floats.half(Integer.decode(bits).shortValue())).isEqualTo(Float.valueOf(expected));
    }

    @Test
    void aNameIsDeclaredOnce() {
        SafeTensorsWriter writer = new SafeTensorsWriter().add("x", new float[] {7}, 1);
        assertThatThrownBy(() -> writer.add("x", new float[] {7}, 1)).hasMessageContaining("declared twice");
        assertThatThrownBy(() -> writer.add("__metadata__", new float[] {7}, 1))
                .hasMessageContaining("cannot be called");
    }

    @Test
    void aShapeWhoseSizeDoesNotFitIsNoTensor() {
        assertThatThrownBy(() -> TensorInfo.of("x", TensorType.F64, Long.MAX_VALUE / 4, 2))
                .hasMessageContaining("63 bits");
        assertThatThrownBy(() -> TensorInfo.of("x", TensorType.F64, -1)).hasMessageContaining("not negative");
        assertThat(TensorInfo.of("x", TensorType.F64, Long.MAX_VALUE, Long.MAX_VALUE, 0)
                        .bytes())
                .isZero();
        assertThat(new TensorInfo("x", TensorType.F32, List.of()).bytes()).isEqualTo(4);
    }

    private static float one(SafeTensors file, String name) throws IOException {
        FloatBuffer value = FloatBuffer.allocate(1);
        file.readFloats(name, 0, value);
        return value.get(0);
    }

    private static float[] floats(ByteBuffer bytes) {
        float[] values = new float[bytes.remaining() / 4];
        bytes.asFloatBuffer().get(values);
        return values;
    }

    private static ByteBuffer littleEndian(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}

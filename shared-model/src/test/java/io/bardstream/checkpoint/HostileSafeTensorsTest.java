package io.bardstream.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.lifecycle.AfterContainer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Files that lie: each is refused with an error that says how, and never by anything but {@link SafeTensorsException}. */
class HostileSafeTensorsTest {

    /** A lie, eight bytes of data after the header, and what the error must say. */
    record Lie(String what, String header, String error) {
        @Override
        public String toString() {
            return what;
        }
    }

    static List<Lie> lies() {
        return List.of(
                new Lie("not JSON", "{\"x\":", "not the JSON expected"),
                new Lie("not an object", "[1,2,3]", "expected is START_OBJECT"),
                new Lie("two documents", tensor("x", "F32", "2", "0,8") + "{}", "goes on after"),
                new Lie("a tensor that is no object", "{\"x\":7}", "expected is START_OBJECT"),
                new Lie("metadata that is no text", "{\"__metadata__\":{\"format\":1}}", "__metadata__.format"),
                new Lie("overlap", two("0,8", "4,8"), "begins at 4, expected is 8"),
                new Lie("the same bytes twice", two("0,4", "0,4"), "begins at 0, expected is 4"),
                new Lie("a hole", two("0,4", "6,8"), "begins at 6, expected is 4"),
                new Lie("a beginning after the end", tensor("x", "F32", "1", "4,0"), "begins at 4, expected is 0"),
                new Lie("an end before the beginning", two("0,4", "4,0"), "claims bytes 4 to 0"),
                new Lie(
                        "a range past the file",
                        tensor("x", "F32", "4", "0,16"),
                        "claims bytes 0 to 16, the file has 8"),
                new Lie("a negative range", tensor("x", "F32", "1", "-4,0"), "begins at -4"),
                new Lie(
                        "a range past 63 bits",
                        tensor("x", "F32", "1", "0,9223372036854775808"),
                        "not the JSON expected"),
                new Lie("three offsets", tensor("x", "F32", "2", "0,4,8"), "expected are a begin and an end"),
                new Lie("no offsets", "{\"x\":{\"dtype\":\"F32\",\"shape\":[2]}}", "does not have all of"),
                new Lie("bytes that belong to none", tensor("x", "F32", "1", "0,4"), "4 bytes belong to none"),
                new Lie("a shape smaller than the range", tensor("x", "F32", "1", "0,8"), "takes 4 bytes"),
                new Lie("a shape larger than the range", tensor("x", "F32", "2,2", "0,8"), "takes 16 bytes"),
                new Lie("a shape of fractions", tensor("x", "F32", "2.0", "0,8"), "expected is VALUE_NUMBER_INT"),
                new Lie("a negative dimension", tensor("x", "F32", "-2", "0,8"), "not negative"),
                new Lie("two negative dimensions", tensor("x", "F32", "-1,-2", "0,8"), "not negative"),
                new Lie("a shape past 63 bits", tensor("x", "F32", "4611686018427387904,2", "0,8"), "63 bits"),
                new Lie("a shape that wraps to the range", tensor("x", "F32", "4611686018427387906", "0,8"), "63 bits"),
                new Lie(
                        "a shape without end",
                        tensor("x", "F32", "1,".repeat(10_000) + "1", "0,8"),
                        "more than 64 numbers"),
                new Lie("a nested shape", tensor("x", "F32", "[2]", "0,8"), "expected is VALUE_NUMBER_INT"),
                new Lie("an unknown type", tensor("x", "Q4_K", "2", "0,8"), "dtype 'Q4_K'"),
                new Lie(
                        "a type that is no text",
                        "{\"x\":{\"dtype\":32,\"shape\":[2],\"data_offsets\":[0,8]}}",
                        "the dtype of"),
                new Lie("the wrong type", tensor("x", "F64", "2", "0,8"), "takes 16 bytes"),
                new Lie(
                        "an unknown field",
                        "{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"y\":0}}",
                        "has the field 'y'"),
                new Lie(
                        "a name twice",
                        "{\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
                                + "\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
                        "Duplicate field 'x'"),
                new Lie(
                        "a name twice, once escaped",
                        "{\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
                                + "\"\\u0078\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
                        "Duplicate field 'x'"));
    }

    @ParameterizedTest
    @MethodSource("lies")
    void aHeaderThatLiesIsRefusedAndSaysHow(Lie lie, @TempDir Path folder) throws IOException {
        // Given
        byte[] header = lie.header().getBytes(StandardCharsets.UTF_8);
        Path file = Files.write(folder.resolve("model.safetensors"), file(header.length, header, 8));

        // When, then
        assertThatThrownBy(() -> SafeTensors.open(file).close())
                .isInstanceOf(SafeTensorsException.class)
                .hasMessageContaining(file.toString())
                .hasMessageContaining(lie.error());
    }

    @Test
    void aLengthThatTheFileDoesNotHaveIsRefused(@TempDir Path folder) throws IOException {
        for (long claimed : new long[] {17, 9_999_999, 10L << 30, Long.MAX_VALUE, -1, Long.MIN_VALUE}) {
            Path file = Files.write(folder.resolve("x"), file(claimed, new byte[8], 8));
            assertThatThrownBy(() -> SafeTensors.open(file).close())
                    .isInstanceOf(SafeTensorsException.class)
                    .hasMessageContaining("its header claims");
        }
    }

    @Test
    void aHeaderOfTenGigabytesThatIsReallyThereIsRefusedUnread(@TempDir Path folder) throws IOException {
        // Given: sparse, so it takes no room
        Path file = folder.resolve("x");
        try (RandomAccessFile huge = new RandomAccessFile(file.toFile(), "rw")) {
            huge.write(file(10L << 30, new byte[0], 0));
            huge.setLength(11L << 30);
        }

        // When, then
        assertThatThrownBy(() -> SafeTensors.open(file).close())
                .isInstanceOf(SafeTensorsException.class)
                .hasMessageContaining("at most 10,000,000 are allowed");
    }

    /** A file may cost a small multiple of what it holds, never what it claims. */
    @Test
    void readingAHeaderAllocatesByTheFileNotByItsClaims(@TempDir Path folder) throws IOException {
        // Given headers that claim the most they can: lengths, sizes, dimensions, tensors
        StringBuilder tensors = new StringBuilder("{");
        for (int i = 0; i < 20_000; i++) {
            tensors.append("\"%x\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},".formatted(i));
        }
        byte[] many = tensors.append("\"x\":{\"dtype\":\"Q\"}}").toString().getBytes(StandardCharsets.UTF_8);
        byte[] large = tensor("x", "F32", "1000000000,1000000000", "0,4000000000000000000")
                .getBytes(StandardCharsets.UTF_8);
        byte[] dimensions =
                tensor("x", "F32", "0,".repeat(1_000_000) + "0", "0,0").getBytes(StandardCharsets.UTF_8);
        List<Path> files = List.of(
                Files.write(folder.resolve("many"), file(many.length, many, 0)),
                Files.write(folder.resolve("large"), file(large.length, large, 8)),
                Files.write(folder.resolve("dimensions"), file(dimensions.length, dimensions, 0)),
                Files.write(folder.resolve("length"), file(10L << 30, new byte[8], 8)));

        for (Path file : files) {
            assertThat(allocatedBy(() -> SafeTensors.open(file).close()))
                    .as(file.getFileName().toString())
                    .isLessThan(100_000 + 32 * Files.size(file));
        }
    }

    @Test
    void aFileTooShortForALengthIsRefused(@TempDir Path folder) throws IOException {
        for (int bytes = 0; bytes < 8; bytes++) {
            Path file = Files.write(folder.resolve("x"), new byte[bytes]);
            assertThatThrownBy(() -> SafeTensors.open(file).close()).isInstanceOf(SafeTensorsException.class);
        }
    }

    /** Whatever is done to a header, either it is refused or every tensor lies inside the file at its full size. */
    @Property(tries = 500)
    void aDamagedFileIsRefusedOrWhole(
            @ForAll @IntRange(max = 400) int position, @ForAll byte value, @ForAll @IntRange(max = 300) int cut)
            throws IOException {
        byte[] bytes = honest();
        bytes[position % bytes.length] = value;
        refusedOrWhole(Arrays.copyOf(bytes, bytes.length - cut % bytes.length));
    }

    /** The same of a whole GPT-2, damaged in several places: what still opens is a model of its config's shape, or none. */
    @Property(tries = 300)
    void aDamagedModelIsRefusedOrWhole(
            @ForAll @Size(min = 1, max = 6) List<@IntRange(max = 4_000) Integer> places, @ForAll Random random)
            throws IOException {
        byte[] bytes = MODEL.clone();
        for (int place : places) {
            bytes[place % bytes.length] = random.nextBoolean()
                    ? (byte) random.nextInt()
                    : (byte) "0123456789[]{},:\"".charAt(random.nextInt(17));
        }
        refusedOrWhole(bytes);
        try (SafeTensors read = SafeTensors.open(FUZZED)) {
            assertThat(HuggingFaceFormat.locate(read, SMALL)).hasSize(28);
        } catch (SafeTensorsException | IllegalArgumentException refused) {
            assertThat(refused.getMessage()).isNotBlank();
        }
    }

    @Property(tries = 500)
    void aHeaderOfAnyClaimsIsRefusedOrWhole(@ForAll("claims") Map<String, Map<String, Object>> claims)
            throws IOException {
        byte[] header = new ObjectMapper().writeValueAsBytes(claims);
        refusedOrWhole(file(header.length, header, 16));
    }

    @Property(tries = 200)
    void bytesOfAnyKindAreRefusedOrWhole(@ForAll byte[] bytes) throws IOException {
        refusedOrWhole(file(bytes.length, bytes, 0));
        refusedOrWhole(bytes);
    }

    @Provide
    Arbitrary<Map<String, Map<String, Object>>> claims() {
        Arbitrary<Long> numbers = Arbitraries.oneOf(Arbitraries.of(0L, 1L, 2L, 4L, 8L, 12L, 16L), Arbitraries.longs());
        Arbitrary<Map<String, Object>> tensor = Combinators.combine(
                        Arbitraries.of("F32", "F16", "I64", "U8", "X"),
                        numbers.list().ofMaxSize(3),
                        numbers.list().ofSize(2))
                .as((type, shape, offsets) -> {
                    Map<String, Object> claim = new HashMap<>();
                    claim.put("dtype", type);
                    claim.put("shape", shape);
                    claim.put("data_offsets", offsets);
                    return claim;
                });
        return Arbitraries.maps(Arbitraries.of("a", "b", "c", "__metadata__"), tensor)
                .ofMaxSize(3);
    }

    private static final Path FUZZED = fuzzFile();
    private static final ModelConfig SMALL = ModelConfig.of(10, 6, 4, 2, 2, 9, null);
    private static final byte[] MODEL = model();

    private static byte[] model() {
        SafeTensorsWriter writer = new SafeTensorsWriter();
        HuggingFaceFormat.shapes(SMALL)
                .forEach((name, shape) -> writer.add(
                        name,
                        new float
                                [(int) TensorInfo.of(name, TensorType.F32, shape)
                                        .elements()],
                        shape));
        try {
            Files.delete(FUZZED);
            writer.write(FUZZED);
            return Files.readAllBytes(FUZZED);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path fuzzFile() {
        try {
            return Files.createTempFile("fuzz", ".safetensors");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @AfterContainer
    static void removeFuzzFile() throws IOException {
        Files.delete(FUZZED);
    }

    private interface Opening {
        void run() throws IOException;
    }

    /** Bytes of the heap that a refused opening takes. */
    private static long allocatedBy(Opening opening) {
        ThreadMXBean thread = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = thread.getCurrentThreadAllocatedBytes();
        assertThatThrownBy(opening::run).isInstanceOf(SafeTensorsException.class);
        return thread.getCurrentThreadAllocatedBytes() - before;
    }

    private static void refusedOrWhole(byte[] bytes) throws IOException {
        Files.write(FUZZED, bytes);
        try (SafeTensors read = SafeTensors.open(FUZZED)) {
            long sum = 0;
            for (String name : read.names()) {
                sum += read.info(name).bytes();
                assertThat(read.data(name).remaining())
                        .isEqualTo((int) read.info(name).bytes());
            }
            assertThat(sum).isLessThanOrEqualTo(bytes.length);
        } catch (SafeTensorsException refused) {
            assertThat(refused).hasMessageContaining(FUZZED.toString());
        }
    }

    private static byte[] honest() {
        byte[] header = two("0,4", "4,8").getBytes(StandardCharsets.UTF_8);
        return file(header.length, header, 8);
    }

    private static String two(String first, String second) {
        return "{\"a\":{\"dtype\":\"U8\",\"shape\":[%d],\"data_offsets\":[%s]},\"b\":{\"dtype\":\"U8\",\"shape\":[%d],\"data_offsets\":[%s]}}"
                .formatted(span(first), first, span(second), second);
    }

    private static int span(String offsets) {
        String[] ends = offsets.split(",", -1);
        return Math.max(0, Integer.parseInt(ends[1]) - Integer.parseInt(ends[0]));
    }

    private static String tensor(String name, String type, String shape, String offsets) {
        return "{\"%s\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%s]}}".formatted(name, type, shape, offsets);
    }

    private static byte[] file(long claimedLength, byte[] header, int data) {
        return ByteBuffer.allocate(8 + header.length + data)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(claimedLength)
                .put(header)
                .array();
    }
}

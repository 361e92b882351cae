package io.bardstream.event;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * One record of {@code token-batches}: up to 65,536 consecutive tokens of one split.
 *
 * <p>The value is binary, little-endian:
 *
 * <pre>
 *   count × (uint16 | uint32)   token ids; uint32 where the vocabulary is above 65,536
 *   uint32                      number of documents that start in this block
 *   documents × uint32          where they start, as indexes into the tokens, ascending
 *   ⌈count / 8⌉ bytes           only for instruction data: bit i, lowest first, says whether token i is trained
 * </pre>
 *
 * The headers {@code dataset, split, block, dtype, count, tokenizer-sha256, content-sha256} say what it is;
 * {@code content-sha256} is of the value, so a reader can tell a damaged block from a good one.
 *
 * @param block number of the block within its split, from 0
 * @param wide whether ids take 32 bits
 * @param lossMask the trained tokens, or null where all are
 */
public record TokenBlock(
        String dataset,
        String split,
        long block,
        String tokenizerSha256,
        boolean wide,
        int[] tokens,
        int[] documentStarts,
        BitSet lossMask) {

    /** Most tokens in a block. */
    public static final int MAX_TOKENS = 1 << 16;

    /** Vocabularies up to this many ids are written as uint16. */
    public static final int NARROW_VOCABULARY = 1 << 16;

    public TokenBlock {
        Fields.id(dataset, "dataset");
        Fields.text(split, "split");
        Fields.notNegative(block, "block");
        Fields.sha256(tokenizerSha256, "tokenizer_sha256");
        Fields.require(
                tokens.length > 0 && tokens.length <= MAX_TOKENS,
                "tokens",
                tokens.length + " tokens; a block holds 1 to " + MAX_TOKENS);
        int limit = wide ? Integer.MAX_VALUE : NARROW_VOCABULARY - 1;
        for (int token : tokens) {
            if (token < 0 || token > limit) {
                throw new InvalidFieldException("tokens", "id " + token + " does not fit the block's dtype");
            }
        }
        for (int i = 0; i < documentStarts.length; i++) {
            if (documentStarts[i] < (i == 0 ? 0 : documentStarts[i - 1] + 1) || documentStarts[i] >= tokens.length) {
                throw new InvalidFieldException(
                        "document_starts", "not ascending indexes into the tokens: " + Arrays.toString(documentStarts));
            }
        }
        Fields.require(
                lossMask == null || lossMask.length() <= tokens.length, "loss_mask", "is longer than the tokens");
    }

    /** The record's value. */
    public byte[] value() {
        int width = wide ? Integer.BYTES : Short.BYTES;
        int maskBytes = lossMask == null ? 0 : (tokens.length + 7) / 8;
        ByteBuffer buffer = ByteBuffer.allocate(
                        tokens.length * width + Integer.BYTES * (1 + documentStarts.length) + maskBytes)
                .order(ByteOrder.LITTLE_ENDIAN);
        for (int token : tokens) {
            if (wide) {
                buffer.putInt(token);
            } else {
                buffer.putShort((short) token);
            }
        }
        buffer.putInt(documentStarts.length);
        for (int start : documentStarts) {
            buffer.putInt(start);
        }
        if (lossMask != null) {
            buffer.put(Arrays.copyOf(lossMask.toByteArray(), maskBytes));
        }
        return buffer.array();
    }

    /** The record's headers for the given value, as UTF-8. */
    public Map<String, byte[]> headers(byte[] value) {
        Map<String, String> headers = new LinkedHashMap<>();
        headers.put("dataset", dataset);
        headers.put("split", split);
        headers.put("block", Long.toString(block));
        headers.put("dtype", wide ? "uint32" : "uint16");
        headers.put("count", Integer.toString(tokens.length));
        headers.put("tokenizer-sha256", tokenizerSha256);
        headers.put("content-sha256", Ids.sha256(value));
        Map<String, byte[]> encoded = new LinkedHashMap<>();
        headers.forEach((name, text) -> encoded.put(name, text.getBytes(StandardCharsets.UTF_8)));
        return encoded;
    }

    /**
     * Reads a record.
     *
     * @param headers by name, as UTF-8
     * @throws InvalidFieldException if a header is missing or wrong, or the value does not match its sha256
     */
    public static TokenBlock read(Map<String, byte[]> headers, byte[] value) {
        String expected = header(headers, "content-sha256");
        String actual = Ids.sha256(value);
        Fields.require(
                expected.equals(actual), "content-sha256", "the block says " + expected + ", its content is " + actual);
        String dtype = header(headers, "dtype");
        Fields.require(
                dtype.equals("uint16") || dtype.equals("uint32"),
                "dtype",
                "'" + dtype + "' is neither uint16 nor uint32");
        boolean wide = dtype.equals("uint32");
        int count = Math.toIntExact(number(headers, "count"));
        Fields.require(count > 0 && count <= MAX_TOKENS, "count", count + " is not 1 to " + MAX_TOKENS);

        ByteBuffer buffer = ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN);
        int fixed = count * (wide ? Integer.BYTES : Short.BYTES) + Integer.BYTES;
        Fields.require(value.length >= fixed, "count", count + " tokens do not fit into " + value.length + " bytes");
        int[] tokens = new int[count];
        for (int i = 0; i < count; i++) {
            tokens[i] = wide ? buffer.getInt() : Short.toUnsignedInt(buffer.getShort());
        }
        int documents = buffer.getInt();
        Fields.require(
                documents >= 0 && documents <= count && (long) documents * Integer.BYTES <= buffer.remaining(),
                "document_starts",
                documents + " documents do not fit into the block");
        int[] starts = new int[documents];
        for (int i = 0; i < documents; i++) {
            starts[i] = buffer.getInt();
        }
        int maskBytes = (count + 7) / 8;
        Fields.require(
                buffer.remaining() == 0 || buffer.remaining() == maskBytes,
                "loss_mask",
                buffer.remaining() + " bytes for " + count + " tokens");
        BitSet mask = buffer.hasRemaining() ? BitSet.valueOf(buffer) : null;
        return new TokenBlock(
                header(headers, "dataset"),
                header(headers, "split"),
                number(headers, "block"),
                header(headers, "tokenizer-sha256"),
                wide,
                tokens,
                starts,
                mask);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof TokenBlock that
                && dataset.equals(that.dataset)
                && split.equals(that.split)
                && block == that.block
                && Arrays.equals(value(), that.value());
    }

    @Override
    public int hashCode() {
        return dataset.hashCode() * 31 + Long.hashCode(block);
    }

    @Override
    public String toString() {
        return "TokenBlock[" + dataset + "/" + split + "/" + block + ", " + tokens.length + " tokens]";
    }

    private static String header(Map<String, byte[]> headers, String name) {
        return new String(Fields.required(headers.get(name), name), StandardCharsets.UTF_8);
    }

    private static long number(Map<String, byte[]> headers, String name) {
        String text = header(headers, name);
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            throw new InvalidFieldException(name, "'" + text + "' is not a number");
        }
    }
}

package io.bardstream.launcher;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.bardstream.event.Ids;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Map;

/**
 * Copies a dataset's tokens from Kafka into the flat files that other trainers read, so that a cluster can do the heavy run.
 * Each split is checked against the sha256 of the manifest; {@code lineage.json} beside the files says where they come from.
 */
final class TokenExport {
    /** How a trainer wants its tokens. */
    enum Format {
        /** {@code train.bin} and {@code val.bin}: uint16 and nothing else. */
        NANOGPT,
        /** {@code train_000000.bin}…, {@code val_000000.bin}…: 256 int32 of header, then uint16. */
        LLMC
    }

    /** llm.c seeks by 32-bit offsets; its own preparation makes shards of so many tokens. */
    static final long SHARD_TOKENS = 100_000_000;

    private static final int LLMC_MAGIC = 20240520;
    private static final int LLMC_VERSION = 1;
    private static final int LLMC_HEADER = 256;

    private static final int LARGEST_VOCABULARY = 1 << 16;
    private static final int GPT2_VOCABULARY = 50_257;

    /** Our splits and what nanoGPT and llm.c call them. */
    private static final Map<String, String> NAMES = Map.of("train", "train", "validation", "val");

    private final Api trainer;
    private final Api tokenizers;
    private final long shardTokens;

    TokenExport(Api trainer, Api tokenizers, long shardTokens) {
        this.trainer = trainer;
        this.tokenizers = tokenizers;
        this.shardTokens = shardTokens;
    }

    /** Writes the files into a folder, which is there and empty. */
    void run(JsonNode dataset, Path folder, Format format) throws IOException {
        String id = dataset.path("id").asText();
        if (!dataset.path("kind").asText().equals("pretrain")
                || !dataset.path("status").asText().equals("done")) {
            throw new CommandFailure(
                    "Dataset '%s' is of kind %s and %s; only the tokens of a pretrain dataset that is done can be exported."
                            .formatted(
                                    id,
                                    dataset.path("kind").asText(),
                                    dataset.path("status").asText()));
        }
        String tokenizerId = dataset.path("tokenizer").asText();
        JsonNode tokenizer = tokenizers.get("/v1/tokenizers/" + tokenizerId);
        int vocabulary = tokenizer.path("vocab_size").asInt();
        if (vocabulary > LARGEST_VOCABULARY) {
            throw new CommandFailure(
                    "Dataset '%s' has a vocabulary of %,d ids; the files hold 16 bits an id, so at most %,d."
                            .formatted(id, vocabulary, LARGEST_VOCABULARY));
        }
        ArrayNode files = Api.JSON.createArrayNode();
        for (String split : new String[] {"train", "validation"}) {
            JsonNode manifest = dataset.path("splits").path(split);
            if (manifest.path("tokens").asLong() > 0) {
                Path tokens = folder.resolve(NAMES.get(split) + ".bin");
                fetch(id, split, manifest.path("sha256").asText(), tokens);
                if (format == Format.LLMC) {
                    shards(tokens, NAMES.get(split), files);
                    Files.delete(tokens);
                } else {
                    describe(tokens, manifest.path("tokens").asLong(), sha256(tokens), files);
                }
            }
        }
        if (format == Format.NANOGPT && vocabulary != GPT2_VOCABULARY) {
            Files.write(folder.resolve("meta.pkl"), meta(vocabulary));
        }
        tokenizers.download("/v1/tokenizers/" + tokenizerId + "/tokenizer.json", folder.resolve("tokenizer.json"));
        ObjectNode lineage = Api.object().put("format", format.name().toLowerCase(Locale.ROOT));
        lineage.set("dataset", dataset);
        lineage.set("tokenizer", tokenizer);
        lineage.set("files", files);
        Files.writeString(folder.resolve("lineage.json"), lineage.toPrettyString() + "\n");
    }

    private void fetch(String dataset, String split, String sha256, Path file) throws IOException {
        trainer.download("/v1/datasets/" + dataset + "/tokens/" + split, file);
        String found = sha256(file);
        if (!found.equals(sha256)) {
            throw new CommandFailure("The tokens of '%s', split %s, came with sha256 %s; the manifest says %s."
                    .formatted(dataset, split, found, sha256));
        }
    }

    /** Shards of nearly equal size: llm.c wants each to hold at least one batch of all its processes. */
    private void shards(Path tokens, String name, ArrayNode files) throws IOException {
        long left = Files.size(tokens) / Short.BYTES;
        long shards = (left + shardTokens - 1) / shardTokens;
        try (InputStream in = Files.newInputStream(tokens)) {
            for (int shard = 0; shard < shards; shard++) {
                long count = (left + shards - shard - 1) / (shards - shard);
                Path file = tokens.resolveSibling("%s_%06d.bin".formatted(name, shard));
                MessageDigest digest = Ids.sha256();
                try (OutputStream out = new DigestOutputStream(Files.newOutputStream(file), digest)) {
                    out.write(llmcHeader(count));
                    copy(in, count * Short.BYTES, out);
                }
                describe(file, count, HexFormat.of().formatHex(digest.digest()), files);
                left -= count;
            }
        }
    }

    /** As {@code write_datafile} of llm.c's data_common.py and {@code dataloader.h} have it: magic, version, count, zeros. */
    private static byte[] llmcHeader(long count) {
        return ByteBuffer.allocate(LLMC_HEADER * Integer.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(LLMC_MAGIC)
                .putInt(LLMC_VERSION)
                .putInt(Math.toIntExact(count))
                .array();
    }

    /**
     * nanoGPT takes 50,304 ids unless a pickle says otherwise: {@code {'vocab_size': n}}, in protocol 2.
     */
    private static byte[] meta(int vocabulary) {
        byte[] key = "vocab_size".getBytes(StandardCharsets.US_ASCII);
        return ByteBuffer.allocate(3 + 5 + key.length + 5 + 2)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put(new byte[] {(byte) 0x80, 2, '}'}) // protocol 2, an empty dict
                .put((byte) 'X') // a text
                .putInt(key.length)
                .put(key)
                .put((byte) 'J') // an int
                .putInt(vocabulary)
                .put(new byte[] {'s', '.'}) // set, stop
                .array();
    }

    private static void copy(InputStream in, long bytes, OutputStream out) throws IOException {
        byte[] buffer = new byte[1 << 20];
        for (long left = bytes; left > 0; ) {
            int read = in.readNBytes(buffer, 0, (int) Math.min(buffer.length, left));
            if (read == 0) {
                throw new IOException("the file of tokens has become shorter");
            }
            out.write(buffer, 0, read);
            left -= read;
        }
    }

    private static void describe(Path file, long tokens, String sha256, ArrayNode files) {
        files.addObject()
                .put("name", file.getFileName().toString())
                .put("tokens", tokens)
                .put("sha256", sha256);
    }

    private static String sha256(Path file) throws IOException {
        MessageDigest digest = Ids.sha256();
        try (InputStream in = Files.newInputStream(file);
                OutputStream out = new DigestOutputStream(OutputStream.nullOutputStream(), digest)) {
            in.transferTo(out);
        }
        return HexFormat.of().formatHex(digest.digest());
    }
}

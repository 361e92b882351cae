package io.bardstream.launcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpServer;
import io.bardstream.event.Ids;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The files byte by byte, as the readers of nanoGPT and llm.c are written. */
class TokenExportTest {
    private static final int[] TRAIN = {1, 2, 3, 1023, 0, 5, 6};
    private static final int[] VALIDATION = {7, 8, 9};

    @TempDir
    Path folder;

    private HttpServer services;
    private int vocabulary = 1_024;
    private int[] sent = TRAIN;

    @BeforeEach
    void twoServices() throws IOException {
        services = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        answer(
                "/v1/tokenizers/t",
                () -> "{\"id\":\"t\",\"vocab_size\":%d}".formatted(vocabulary).getBytes(StandardCharsets.UTF_8));
        answer("/v1/tokenizers/t/tokenizer.json", () -> "{\"é\":1}".getBytes(StandardCharsets.UTF_8));
        answer("/v1/datasets/d/tokens/train", () -> bytes(sent));
        answer("/v1/datasets/d/tokens/validation", () -> bytes(VALIDATION));
        services.start();
    }

    @AfterEach
    void stop() {
        services.stop(0);
    }

    @Test
    void nanoGptFindsItsTwoFilesAndTheSizeOfTheVocabulary() throws IOException {
        export(TokenExport.Format.NANOGPT, 100);

        assertThat(folder.resolve("train.bin")).hasBinaryContent(bytes(TRAIN));
        assertThat(folder.resolve("val.bin")).hasBinaryContent(bytes(VALIDATION));
        // Python's pickle.dumps({'vocab_size': 1024}, 2) without its memo entries, which loading ignores
        assertThat(folder.resolve("meta.pkl"))
                .hasBinaryContent(HexFormat.of().parseHex("80027d580a000000766f6361625f73697a654a00040000732e"));
        assertThat(folder.resolve("tokenizer.json")).hasContent("{\"é\":1}");
        JsonNode lineage = Api.JSON.readTree(folder.resolve("lineage.json").toFile());
        assertThat(lineage.at("/dataset/corpus_sha256").asText()).isEqualTo("c0");
        assertThat(lineage.at("/dataset/splits/train/ranges/0/partition").asInt())
                .isEqualTo(3);
        assertThat(lineage.at("/files/0/name").asText()).isEqualTo("train.bin");
        assertThat(lineage.at("/files/0/sha256").asText()).isEqualTo(Ids.sha256(bytes(TRAIN)));
    }

    @Test
    void gpt2sVocabularyNeedsNoWordOfItsSize() throws IOException {
        vocabulary = 50_257;
        export(TokenExport.Format.NANOGPT, 100);
        assertThat(folder.resolve("meta.pkl")).doesNotExist();
    }

    @Test
    void llmcFindsShardsWithItsHeader() throws IOException {
        export(TokenExport.Format.LLMC, 3);

        assertThat(shard("train_000000.bin")).containsExactly(1, 2, 3);
        assertThat(shard("train_000001.bin")).containsExactly(1023, 0);
        assertThat(shard("train_000002.bin")).containsExactly(5, 6);
        assertThat(shard("val_000000.bin")).containsExactly(7, 8, 9);
        assertThat(folder.resolve("train.bin")).doesNotExist();
        JsonNode files =
                Api.JSON.readTree(folder.resolve("lineage.json").toFile()).path("files");
        assertThat(files).hasSize(4);
        assertThat(files.at("/3/sha256").asText())
                .isEqualTo(Ids.sha256(Files.readAllBytes(folder.resolve("val_000000.bin"))));
    }

    @Test
    void tokensThatAreNotTheManifestsAreRefused() {
        sent = new int[] {1, 2, 3};
        assertThatThrownBy(() -> export(TokenExport.Format.NANOGPT, 100))
                .isInstanceOf(CommandFailure.class)
                .hasMessageContaining("the manifest says " + Ids.sha256(bytes(TRAIN)));
    }

    @Test
    void idsOfMoreThanSixteenBitsAndOtherKindsAreRefused() {
        vocabulary = 70_000;
        assertThatThrownBy(() -> export(TokenExport.Format.LLMC, 100)).hasMessageContaining("at most 65,536");
        ObjectNode instructions = dataset().put("kind", "instruct");
        assertThatThrownBy(() -> export(instructions)).hasMessageContaining("of kind instruct");
        ObjectNode running = dataset().put("status", "running");
        assertThatThrownBy(() -> export(running)).hasMessageContaining("running");
    }

    private void export(TokenExport.Format format, long shardTokens) throws IOException {
        new TokenExport(api(), api(), shardTokens).run(dataset(), folder, format);
    }

    private void export(JsonNode dataset) throws IOException {
        new TokenExport(api(), api(), 100).run(dataset, folder, TokenExport.Format.NANOGPT);
    }

    private Api api() {
        return new Api(URI.create("http://127.0.0.1:" + services.getAddress().getPort()));
    }

    private static ObjectNode dataset() {
        ObjectNode dataset = Api.object()
                .put("id", "d")
                .put("kind", "pretrain")
                .put("status", "done")
                .put("tokenizer", "t")
                .put("corpus_sha256", "c0");
        ObjectNode splits = dataset.putObject("splits");
        splits.putObject("train")
                .put("tokens", TRAIN.length)
                .put("sha256", Ids.sha256(bytes(TRAIN)))
                .putArray("ranges")
                .addObject()
                .put("partition", 3);
        splits.putObject("validation").put("tokens", VALIDATION.length).put("sha256", Ids.sha256(bytes(VALIDATION)));
        return dataset;
    }

    /** A shard's tokens, read as llm.c's dataloader does: 256 int32, then uint16 to the end. */
    private List<Integer> shard(String name) throws IOException {
        ByteBuffer file =
                ByteBuffer.wrap(Files.readAllBytes(folder.resolve(name))).order(ByteOrder.LITTLE_ENDIAN);
        assertThat(file.getInt(0)).isEqualTo(20240520);
        assertThat(file.getInt(4)).isEqualTo(1);
        int count = file.getInt(8);
        assertThat(file.capacity()).isEqualTo(256 * 4 + count * 2);
        for (int i = 3; i < 256; i++) {
            assertThat(file.getInt(4 * i)).isZero();
        }
        Integer[] tokens = new Integer[count];
        Arrays.setAll(tokens, i -> Short.toUnsignedInt(file.getShort(1024 + 2 * i)));
        return List.of(tokens);
    }

    private static byte[] bytes(int... tokens) {
        ByteBuffer bytes = ByteBuffer.allocate(2 * tokens.length).order(ByteOrder.LITTLE_ENDIAN);
        for (int token : tokens) {
            bytes.putShort((short) token);
        }
        return bytes.array();
    }

    private interface Body {
        byte[] bytes();
    }

    private void answer(String path, Body body) {
        services.createContext(path, exchange -> {
            boolean exact = exchange.getRequestURI().getPath().equals(path);
            byte[] bytes = exact ? body.bytes() : new byte[0];
            exchange.sendResponseHeaders(exact ? 200 : 404, bytes.length == 0 ? -1 : bytes.length);
            exchange.getResponseBody().write(bytes);
            exchange.close();
        });
    }
}

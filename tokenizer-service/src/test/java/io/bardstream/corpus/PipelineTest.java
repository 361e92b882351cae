package io.bardstream.corpus;

import static io.restassured.RestAssured.when;
import static org.assertj.core.api.Assertions.assertThat;

import io.bardstream.embedded.EmbeddedServices;
import io.bardstream.event.Dataset;
import io.bardstream.event.Ids;
import io.bardstream.event.TokenBlock;
import io.bardstream.event.TokenizerPublished;
import io.bardstream.tokenizer.BpeTokenizer;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.path.json.JsonPath;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The whole way of a text: corpus, vocabulary, dataset, and back from Kafka. */
@QuarkusTest
@Tag("containers")
@QuarkusTestResource(EmbeddedServices.class)
@QuarkusTestResource(TestHome.class)
class PipelineTest {
    @Test
    void theBundledCorpusComesBackFromKafkaAsItWas() throws IOException {
        // Given
        String text = bundled();
        String corpus = Client.post("/v1/corpora", Map.of("name", "shakespeare", "bundled", true))
                .extract()
                .path("id");
        String tokenizer = Client.tokenizer(corpus, 512);

        // When
        String dataset = Client.dataset(corpus, tokenizer, 0.1);
        JsonPath manifest = Client.done(dataset);

        // Then
        BpeTokenizer bpe = BpeTokenizer.fromJson(
                when().get("/v1/tokenizers/" + tokenizer + "/tokenizer.json").asString());
        int cut = text.offsetByCodePoints(0, (int) (text.codePointCount(0, text.length()) * 0.9));
        assertSplit(manifest, "train", bpe, text.substring(0, cut));
        assertSplit(manifest, "validation", bpe, text.substring(cut));
        assertThat(Client.blocks(manifest, "train").get(0).documentStarts()).containsExactly(0);

        TokenizerPublished published = Client.awaitRecord(
                "tokenizers", TokenizerPublished.class, event -> event.id().equals(tokenizer));
        assertThat(published.json()).isEqualTo(bpe.toJson());
        assertThat(published.sha256()).isEqualTo(bpe.sha256()).isEqualTo(manifest.getString("tokenizer_sha256"));
        Dataset announced = Client.awaitRecord(
                "datasets", Dataset.class, event -> event.id().equals(dataset));
        assertThat(announced.split("train").orElseThrow().ranges()).isEqualTo(Client.ranges(manifest, "train"));
        assertThat(announced.vocabularySize()).isEqualTo(512);
    }

    private static void assertSplit(JsonPath manifest, String split, BpeTokenizer bpe, String text) {
        List<TokenBlock> blocks = Client.blocks(manifest, split);
        int[] tokens = blocks.stream()
                .flatMapToInt(block -> IntStream.of(block.tokens()))
                .toArray();
        ByteArrayOutputStream littleEndian = new ByteArrayOutputStream();
        for (int token : tokens) {
            littleEndian.write(token);
            littleEndian.write(token >> 8);
        }
        assertThat(tokens).isEqualTo(bpe.encode(text));
        assertThat(bpe.decode(tokens)).isEqualTo(text);
        assertThat(blocks)
                .extracting(TokenBlock::block)
                .isEqualTo(IntStream.range(0, blocks.size())
                        .mapToObj(i -> (long) i)
                        .toList());
        assertThat(manifest.getLong("splits." + split + ".tokens")).isEqualTo(tokens.length);
        assertThat(manifest.getLong("splits." + split + ".blocks")).isEqualTo(blocks.size());
        assertThat(manifest.getLong("splits." + split + ".bytes"))
                .isEqualTo(text.getBytes(StandardCharsets.UTF_8).length);
        assertThat(manifest.getString("splits." + split + ".sha256")).isEqualTo(Ids.sha256(littleEndian.toByteArray()));
    }

    private static String bundled() throws IOException {
        try (InputStream text = PipelineTest.class.getResourceAsStream("/corpus/shakespeare.txt")) {
            return new String(text.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}

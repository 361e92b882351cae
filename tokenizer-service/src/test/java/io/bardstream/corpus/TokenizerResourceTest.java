package io.bardstream.corpus;

import static io.restassured.RestAssured.given;
import static io.restassured.RestAssured.when;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.greaterThan;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.lessThan;
import static org.hamcrest.Matchers.nullValue;

import io.bardstream.embedded.EmbeddedServices;
import io.bardstream.event.Ids;
import io.bardstream.event.TokenizerPublished;
import io.bardstream.tokenizer.BpeTokenizer;
import io.bardstream.tokenizer.SpecialTokens;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.path.json.JsonPath;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

@QuarkusTest
@QuarkusTestResource(EmbeddedServices.class)
@QuarkusTestResource(TestHome.class)
class TokenizerResourceTest {
    private static final String TEXT = "the cat sat on the mat, the cat ate the rat; ".repeat(50);

    @Test
    void aVocabularyIsLearnedAndAnnounced() {
        // Given
        String corpus = Client.corpus(TEXT);

        // When
        JsonPath answer = Client.post(
                        "/v1/tokenizers", Map.of("name", "cats", "kind", "bpe", "corpus", corpus, "vocab_size", 270))
                .statusCode(201)
                .body("vocab_size", equalTo(270), "merges", equalTo(8), "requested_vocab_size", nullValue())
                .extract()
                .jsonPath();

        // Then
        String id = answer.getString("id");
        String json = when().get("/v1/tokenizers/" + id + "/tokenizer.json").asString();
        assertThat(answer.getString("sha256")).isEqualTo(Ids.sha256(json.getBytes(StandardCharsets.UTF_8)));
        TokenizerPublished event = Client.awaitRecord("tokenizers", TokenizerPublished.class, published -> published
                .id()
                .equals(id));
        assertThat(event.json()).isEqualTo(json);
        assertThat(event.name()).isEqualTo("cats");
        assertThat(event.base()).isEqualTo(event.sha256()).isEqualTo(answer.getString("sha256"));
        assertThat(event.specialTokens())
                .containsEntry(SpecialTokens.END_OF_TEXT, 264)
                .hasSize(SpecialTokens.ALL.size());
        when().get("/v1/tokenizers/" + id).then().body("id", equalTo(id), "vocab_size", equalTo(270));
        when().get("/v1/tokenizers").then().body("data.id", hasItem(id));
    }

    @Test
    void askedForTwiceItIsTrainedOnce() {
        // Given
        String corpus = Client.corpus("askedfortwice" + TEXT);
        Map<String, Object> request = Map.of("name", "once", "kind", "bpe", "corpus", corpus, "vocab_size", 280);

        // When: four at once, then one more
        List<CompletableFuture<String>> together = Stream.generate(() -> CompletableFuture.supplyAsync(
                        () -> Client.post("/v1/tokenizers", request).extract().asString()))
                .limit(4)
                .toList();
        List<String> answers = together.stream().map(CompletableFuture::join).toList();

        // Then
        assertThat(answers).containsOnly(answers.get(0));
        assertThat(Client.post("/v1/tokenizers", request)
                        .statusCode(200)
                        .extract()
                        .asString())
                .isEqualTo(answers.get(0));
    }

    @Test
    void trainingThatStopsEarlySaysTheSizeItReached() {
        String corpus = Client.corpus("abababab");
        Client.post("/v1/tokenizers", Map.of("name", "short", "corpus", corpus, "vocab_size", 1000))
                .statusCode(201)
                .body("vocab_size", lessThan(270), "requested_vocab_size", equalTo(1000));
    }

    @Test
    void gpt2IsOpenAis() {
        String id = Client.post("/v1/tokenizers", Map.of("name", "gpt2", "kind", "gpt2"))
                .body("vocab_size", equalTo(50_257), "merges", equalTo(50_000))
                .extract()
                .path("id");
        Client.post("/v1/tokenize", Map.of("tokenizer", id, "text", "hello world <|endoftext|>"))
                .statusCode(200)
                .body("tokens.take(2)", equalTo(List.of(31373, 995)))
                .body("pieces.take(2)", equalTo(List.of("hello", " world")))
                .body("tokens.size()", greaterThan(4));
        Client.post("/v1/tokenize", Map.of("tokenizer", id, "text", "hello<|endoftext|>", "special", "allow"))
                .body("tokens", equalTo(List.of(31373, 50_256)), "pieces", equalTo(List.of("hello", "<|endoftext|>")));
        Client.post("/v1/tokenizers", Map.of("name", "gpt2", "kind", "gpt2", "vocab_size", 50_257))
                .statusCode(200);
        Client.post("/v1/tokenizers", Map.of("name", "gpt2", "kind", "gpt2", "vocab_size", 50_000))
                .statusCode(400)
                .body("error.param", equalTo("vocab_size"));
    }

    @Test
    void tokensGiveTheTextBack() {
        String tokenizer = Client.tokenizer(Client.corpus(TEXT), 300);
        String text = "the cat 😀 \0 中文 <|user|> ate.\n";
        List<Integer> tokens = Client.post(
                        "/v1/tokenize", Map.of("tokenizer", tokenizer, "text", text, "special", "text"))
                .statusCode(200)
                .extract()
                .path("tokens");
        assertThat(tokens)
                .isEqualTo(
                        Arrays.stream(tokenizer(tokenizer).encode(text)).boxed().toList());
        Client.post("/v1/detokenize", Map.of("tokenizer", tokenizer, "tokens", tokens))
                .statusCode(200)
                .body("text", equalTo(text));
        Client.post("/v1/tokenize", Map.of("tokenizer", tokenizer, "text", "")).body("tokens", equalTo(List.of()));
        Client.post("/v1/detokenize", Map.of("tokenizer", tokenizer, "tokens", List.of()))
                .body("text", equalTo(""));
    }

    private static BpeTokenizer tokenizer(String id) {
        return BpeTokenizer.fromJson(
                when().get("/v1/tokenizers/" + id + "/tokenizer.json").asString());
    }

    static Stream<Arguments> vocabulariesThatCannotBe() {
        String corpus = "{\"name\":\"x\",\"corpus\":\"CORPUS\"";
        return Stream.of(
                Arguments.of(corpus + "}", "vocab_size", "missing"),
                Arguments.of(corpus + ",\"vocab_size\":261}", "vocab_size", "262"),
                Arguments.of(corpus + ",\"vocab_size\":200001}", "vocab_size", "200000"),
                Arguments.of(corpus + ",\"vocab_size\":\"many\"}", "vocab_size", "wrong type"),
                Arguments.of(corpus + ",\"vocab_size\":99999999999}", "vocab_size", "vocab_size"),
                Arguments.of(corpus + ",\"vocab_size\":300,\"kind\":\"unigram\"}", "kind", "bpe and gpt2"),
                Arguments.of("{\"name\":\"x\",\"vocab_size\":300}", "corpus", "missing"),
                Arguments.of("{\"name\":\"x\",\"vocab_size\":300,\"corpus\":\"corpus-0\"}", "corpus", "no corpus"),
                Arguments.of("{\"name\":\"x\",\"vocab_size\":300,\"corpus\":\"../x\"}", "corpus", "not an id"),
                Arguments.of("{\"corpus\":\"CORPUS\",\"vocab_size\":300}", "name", "missing"));
    }

    @ParameterizedTest
    @MethodSource("vocabulariesThatCannotBe")
    void aVocabularyThatCannotBeIsRefused(String body, String param, String message) {
        String corpus = Client.corpus(TEXT);
        given().contentType("application/json")
                .body(body.replace("CORPUS", corpus))
                .post("/v1/tokenizers")
                .then()
                .statusCode(400)
                .body("error.param", equalTo(param), "error.message", containsString(message));
    }

    static Stream<Arguments> textsThatCannotBe() {
        return Stream.of(
                Arguments.of("/v1/tokenize", "{\"text\":\"x\"}", "tokenizer", "missing"),
                Arguments.of("/v1/tokenize", "{\"tokenizer\":\"t-0\",\"text\":\"x\"}", "tokenizer", "no tokenizer"),
                Arguments.of("/v1/tokenize", "{\"tokenizer\":\"T\"}", "text", "missing"),
                Arguments.of("/v1/tokenize", "{\"tokenizer\":\"T\",\"text\":\"a\\ud800\"}", "text", "1"),
                Arguments.of(
                        "/v1/tokenize", "{\"tokenizer\":\"T\",\"text\":\"a\",\"special\":\"all\"}", "special", "allow"),
                Arguments.of("/v1/detokenize", "{\"tokenizer\":\"T\"}", "tokens", "missing"),
                Arguments.of("/v1/detokenize", "{\"tokenizer\":\"T\",\"tokens\":[1,300]}", "tokens", "number 1 is 300"),
                Arguments.of("/v1/detokenize", "{\"tokenizer\":\"T\",\"tokens\":[-1]}", "tokens", "-1"),
                Arguments.of("/v1/detokenize", "{\"tokenizer\":\"T\",\"tokens\":\"1\"}", "tokens", "wrong type"),
                Arguments.of("/v1/detokenize", "{\"tokenizer\":\"T\",\"tokens\":[1,{}]}", "tokens", "wrong type"),
                Arguments.of("/v1/detokenize", "{\"tokenizer\":\"T\",\"tokens\":[1,2.5]}", "tokens", "wrong type"),
                Arguments.of(
                        "/v1/detokenize", "{\"tokenizer\":\"T\",\"tokens\":[1,null]}", "tokens", "number 1 is null"));
    }

    @ParameterizedTest
    @MethodSource("textsThatCannotBe")
    void aTextThatCannotBeIsRefused(String path, String body, String param, String message) {
        String tokenizer = Client.tokenizer(Client.corpus(TEXT), 266);
        given().contentType("application/json")
                .body(body.replace("\"T\"", "\"" + tokenizer + "\""))
                .post(path)
                .then()
                .log()
                .ifValidationFails()
                .statusCode(400)
                .body("error.param", equalTo(param), "error.message", containsString(message));
    }

    @Test
    void whatIsNotThereIsNotFound() {
        when().get("/v1/tokenizers/tokenizer-0").then().statusCode(404);
        when().get("/v1/tokenizers/tokenizer-0/tokenizer.json")
                .then()
                .statusCode(404)
                .body("error.code", equalTo("tokenizer_not_found"));
    }
}

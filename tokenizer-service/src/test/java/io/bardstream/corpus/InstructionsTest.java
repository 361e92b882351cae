package io.bardstream.corpus;

import static io.restassured.RestAssured.given;
import static io.restassured.RestAssured.when;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.greaterThanOrEqualTo;

import io.bardstream.embedded.EmbeddedServices;
import io.bardstream.event.Dataset;
import io.bardstream.event.Ids;
import io.bardstream.event.TokenBlock;
import io.bardstream.event.TokenizerPublished;
import io.bardstream.event.Topics;
import io.bardstream.tokenizer.BpeTokenizer;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.path.json.JsonPath;
import io.restassured.response.ValidatableResponse;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Instructions from an upload to blocks whose mask and starts say what is trained. */
@QuarkusTest
@QuarkusTestResource(EmbeddedServices.class)
@QuarkusTestResource(TestHome.class)
class InstructionsTest {
    @Test
    void anUploadIsNamedByTheHashOfItsBytes() {
        // Given
        String list = "[{\"instruction\": \"Name the prince.\", \"input\": \"\", \"output\": \"Hamlet.\"}]\n";

        // When
        ValidatableResponse answer = given().contentType("application/json")
                .queryParam("name", "princes")
                .queryParam("kind", "instruct")
                .body(list)
                .post("/v1/corpora")
                .then();

        // Then
        String id = answer.statusCode(201)
                .body("kind", equalTo("instruct"), "entries", equalTo(1), "skipped", equalTo(0))
                .body("sha256", equalTo(Ids.sha256(list.getBytes(StandardCharsets.UTF_8))))
                .body("bytes", equalTo(list.length()))
                .extract()
                .path("id");
        Client.post("/v1/corpora", Map.of("name", "again", "kind", "instruct", "text", list))
                .statusCode(200)
                .body("id", equalTo(id));
        given().contentType("text/plain")
                .queryParam("name", "as text")
                .body(list)
                .post("/v1/corpora")
                .then()
                .statusCode(201)
                .body("kind", equalTo("text"));
    }

    @Test
    void badEntriesRefuseTheUploadOrAreReported() {
        // Given
        String lines = pairs(0, 3) + "{\"messages\":[{\"role\":\"king\",\"content\":\"a\"}]}\n" + pairs(3, 5);

        // When, Then
        lines("mixed", lines, null)
                .statusCode(400)
                .body("error.param", equalTo("body"), "error.code", equalTo("bad_entries"))
                .body("error.message", containsString("entry 4: messages[0].role: is 'king'"));
        String id = lines("mixed", lines, "skip")
                .statusCode(201)
                .body("entries", equalTo(5), "skipped", equalTo(1))
                .body("problems[0].entry", equalTo(4))
                .extract()
                .path("id");
        when().get("/v1/corpora/" + id).then().body("problems[0].reason", containsString("'king'"));
        lines("mixed", lines, "perhaps").statusCode(400).body("error.param", equalTo("on_error"));
    }

    @Test
    void labelledTextsGiveADatasetOfTheirOwnKind() {
        // Given
        String lines = IntStream.range(0, 20)
                .mapToObj(i ->
                        "{\"text\":\"Long live king %d!\",\"label\":\"%s\"}\n".formatted(i, i % 2 == 0 ? "ay" : "no"))
                .collect(Collectors.joining());
        String corpus = Client.post("/v1/corpora", Map.of("name", "labels", "kind", "classify", "text", lines))
                .statusCode(201)
                .body("kind", equalTo("classify"), "entries", equalTo(20))
                .extract()
                .path("id");
        String tokenizer = Client.tokenizer(Client.corpus("Long live the king! Long may he live!"), 280);

        // When
        JsonPath manifest = Client.done(dataset(
                Map.of("corpus", corpus, "tokenizer", tokenizer, "validation_fraction", 0.2, "kind", "classify")));

        // Then what is trained of each text is its label
        BpeTokenizer bpe = tokenizer(tokenizer);
        assertThat(manifest.getString("kind")).isEqualTo("classify");
        assertThat(manifest.getLong("splits.train.conversations.count")).isEqualTo(16);
        assertThat(conversations(manifest, "train", bpe, true))
                .allMatch(one -> one.matches(
                        "<\\|user\\|>Long live king \\d+!<\\|endofturn\\|><\\|assistant\\|>(ay|no)<\\|endofturn\\|>"));
        assertThat(conversations(manifest, "train", bpe, false)).allMatch(label -> label.matches("(ay|no)<.*"));
        Client.post("/v1/corpora", Map.of("name", "labels", "kind", "classify", "text", "{\"text\":\"a\"}"))
                .statusCode(400)
                .body("error.message", containsString("entry 1: label: is missing"));
    }

    @Test
    void theBundledInstructionsAreManyAndWhole() {
        Client.post("/v1/corpora", Map.of("name", "bundled", "kind", "instruct", "bundled", true))
                .body("entries", greaterThanOrEqualTo(300), "skipped", equalTo(0), "source", equalTo("bundled"));
    }

    @Test
    void blocksSayWhereConversationsStartAndWhatIsTrained() {
        // Given: conversations of several turns, enough for more than one block
        String corpus =
                lines("talks", talks(1_500), null).statusCode(201).extract().path("id");
        String text = Client.corpus("Who's there? Nay, answer me: stand, and unfold yourself. Long live the king!");
        String tokenizer = Client.tokenizer(text, 290);

        // When
        JsonPath manifest = Client.done(dataset(
                Map.of("corpus", corpus, "tokenizer", tokenizer, "validation_fraction", 0.1, "test_fraction", 0.05)));

        // Then the splits have the sizes asked for, and nothing is in two
        assertThat(manifest.getString("kind")).isEqualTo("instruct");
        assertThat(manifest.getLong("splits.train.conversations.count")).isEqualTo(1_275);
        assertThat(manifest.getLong("splits.validation.conversations.count")).isEqualTo(150);
        assertThat(manifest.getLong("splits.test.conversations.count")).isEqualTo(75);
        BpeTokenizer bpe = tokenizer(tokenizer);
        List<String> all = new ArrayList<>();
        for (String split : List.of("train", "validation", "test")) {
            all.addAll(conversations(manifest, split, bpe, true));
        }
        assertThat(all).doesNotHaveDuplicates().hasSize(1_500);
        assertThat(all)
                .contains("<|user|>Question 7?<|endofturn|><|assistant|>Answer 7.<|endofturn|>"
                        + "<|user|>And 7 again?<|endofturn|><|assistant|>Aye, 7!<|endofturn|>");

        // And only the assistant's texts and their ends are trained
        assertThat(conversations(manifest, "train", bpe, false))
                .allMatch(trained -> trained.matches("Answer (\\d+)\\.<\\|endofturn\\|>Aye, \\1!<\\|endofturn\\|>"));

        // And blocks are whole conversations, with sums that anyone can check
        List<TokenBlock> blocks = Client.blocks(manifest, "train");
        assertThat(blocks).hasSizeGreaterThan(1).allMatch(block -> block.documentStarts()[0] == 0);
        assertThat(conversationsSha256(blocks)).isEqualTo(manifest.getString("splits.train.conversations.sha256"));
        assertThat(blocks.stream()
                        .mapToLong(block -> block.lossMask().cardinality())
                        .sum())
                .isEqualTo(manifest.getLong("splits.train.conversations.trained_tokens"));
        assertThat(manifest.getLong("splits.validation.bytes"))
                .isEqualTo(conversations(manifest, "validation", bpe, false).stream()
                        .mapToLong(
                                trained -> trained.replace("<|endofturn|>", "").length())
                        .sum());
    }

    @Test
    void theDrawFollowsFromTheSeedAndKeepsPromptsTogether() {
        // Given a hundred prompts with two answers each
        String twice = pairs(0, 100) + pairs(0, 100).replace("Answer", "Another");
        String corpus = lines("twice", twice, null).extract().path("id");
        String tokenizer = Client.tokenizer(Client.corpus("a text for this vocabulary ".repeat(20)), 270);
        BpeTokenizer bpe = tokenizer(tokenizer);

        // When
        Map<String, Object> usual = Map.of("corpus", corpus, "tokenizer", tokenizer);
        Map<String, Object> seeded = Map.of("corpus", corpus, "tokenizer", tokenizer, "seed", 7);
        String first = dataset(usual);
        String second = dataset(seeded);

        // Then
        assertThat(dataset(usual)).isEqualTo(first).isNotEqualTo(second);
        List<String> held = conversations(Client.done(first), "validation", bpe, true);
        assertThat(held).hasSize(20);
        assertThat(held.stream().map(text -> text.replaceAll("\\D", "")).distinct())
                .hasSize(10);
        assertThat(conversations(Client.done(second), "validation", bpe, true)).isNotEqualTo(held);
    }

    @Test
    void gpt2IsExtendedToItsChatForm() {
        // Given
        String corpus = lines("few", pairs(0, 20), null).extract().path("id");
        String gpt2 = Client.post("/v1/tokenizers", Map.of("name", "gpt2", "kind", "gpt2"))
                .extract()
                .path("id");
        String base = when().get("/v1/tokenizers/" + gpt2).path("sha256");

        // When
        JsonPath manifest = Client.done(dataset(Map.of("corpus", corpus, "tokenizer", gpt2, "kind", "instruct")));

        // Then the dataset is in a vocabulary that names GPT-2's as its base, and was announced
        String chat = manifest.getString("tokenizer");
        assertThat(chat).isNotEqualTo(gpt2);
        assertThat(manifest.getInt("vocab_size")).isEqualTo(50_262);
        when().get("/v1/tokenizers/" + chat).then().body("base", equalTo(base), "kind", equalTo("chat"));
        TokenizerPublished published =
                Client.awaitRecord(Topics.TOKENIZERS.name(), TokenizerPublished.class, each -> each.id()
                        .equals(chat));
        assertThat(published.base()).isEqualTo(base);
        Dataset announced = Client.awaitRecord(
                Topics.DATASETS.name(), Dataset.class, each -> each.id().equals(manifest.getString("id")));
        assertThat(announced.split("train").orElseThrow().conversations().count())
                .isEqualTo(18);
        assertThat(conversations(manifest, "train", tokenizer(chat), true))
                .anyMatch(text -> text.matches("<\\|user\\|>Question \\d+\\?<\\|endofturn\\|>.*"));
    }

    @Test
    void whatDoesNotFitTheCorpusIsRefused() {
        String instructions = lines("two", pairs(0, 2), null).extract().path("id");
        String text = Client.corpus("a text of some length ".repeat(20));
        String tokenizer = Client.tokenizer(text, 270);
        refused(Map.of("corpus", instructions, "tokenizer", tokenizer, "kind", "pretrain"), "kind");
        refused(Map.of("corpus", text, "tokenizer", tokenizer, "kind", "instruct"), "kind");
        refused(Map.of("corpus", text, "tokenizer", tokenizer, "test_fraction", 0.1), "test_fraction");
        refused(Map.of("corpus", text, "tokenizer", tokenizer, "seed", 3), "seed");
        refused(Map.of("corpus", instructions, "tokenizer", tokenizer, "test_fraction", 0.7), "test_fraction");
        refused(Map.of("corpus", instructions, "tokenizer", tokenizer, "test_fraction", 0.1), "corpus");
        Client.post("/v1/tokenizers", Map.of("name", "x", "kind", "bpe", "corpus", instructions, "vocab_size", 300))
                .statusCode(400)
                .body("error.param", equalTo("corpus"));
    }

    private static void refused(Map<String, ?> request, String param) {
        Client.post("/v1/datasets", request).statusCode(400).body("error.param", equalTo(param));
    }

    private static String dataset(Map<String, ?> request) {
        return Client.post("/v1/datasets", request).statusCode(202).extract().path("id");
    }

    private static ValidatableResponse lines(String name, String lines, String onError) {
        Map<String, String> query = new HashMap<>(Map.of("name", name));
        if (onError != null) {
            query.put("on_error", onError);
        }
        return given().contentType("application/jsonl")
                .queryParams(query)
                .body(lines.getBytes(StandardCharsets.UTF_8))
                .post("/v1/corpora")
                .then();
    }

    private static String pairs(int from, int to) {
        return IntStream.range(from, to)
                .mapToObj("{\"prompt\":\"Question %1$d?\",\"completion\":\"Answer %1$d.\"}\n"::formatted)
                .collect(Collectors.joining());
    }

    private static String talks(int count) {
        return IntStream.range(0, count).mapToObj("""
                        {"messages":[{"role":"user","content":"Question %1$d?"},{"role":"assistant","content":"Answer %1$d."},\
                        {"role":"user","content":"And %1$d again?"},{"role":"assistant","content":"Aye, %1$d!"}]}
                        """::formatted).collect(Collectors.joining());
    }

    private static BpeTokenizer tokenizer(String id) {
        return BpeTokenizer.fromJson(
                when().get("/v1/tokenizers/" + id + "/tokenizer.json").asString());
    }

    /** The conversations of a split as text: whole, or what of them is trained. */
    private static List<String> conversations(JsonPath manifest, String split, BpeTokenizer tokenizer, boolean whole) {
        List<String> conversations = new ArrayList<>();
        for (TokenBlock block : Client.blocks(manifest, split)) {
            int[] starts = Arrays.copyOf(block.documentStarts(), block.documentStarts().length + 1);
            starts[starts.length - 1] = block.tokens().length;
            for (int i = 0; i + 1 < starts.length; i++) {
                int[] tokens = IntStream.range(starts[i], starts[i + 1])
                        .filter(at -> whole || block.lossMask().get(at))
                        .map(at -> block.tokens()[at])
                        .toArray();
                conversations.add(tokenizer.decode(tokens));
            }
        }
        return conversations;
    }

    private static String conversationsSha256(List<TokenBlock> blocks) {
        var digest = Ids.sha256();
        for (TokenBlock block : blocks) {
            int[] starts = Arrays.copyOf(block.documentStarts(), block.documentStarts().length + 1);
            starts[starts.length - 1] = block.tokens().length;
            for (int i = 0; i + 1 < starts.length; i++) {
                int length = starts[i + 1] - starts[i];
                BitSet mask = block.lossMask().get(starts[i], starts[i + 1]);
                digest.update(ByteBuffer.allocate(4 + (length + 7) / 8)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putInt(length)
                        .put(mask.toByteArray())
                        .array());
            }
        }
        return java.util.HexFormat.of().formatHex(digest.digest());
    }
}

package io.bardstream.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class TokenizerJsonTest {

    private static final ObjectMapper JSON = new ObjectMapper();

    private static final BpeTokenizer OWN = trained();

    @Test
    void isTheSameToTheByteWhoeverWritesIt() {
        // The identity of GPT-2's vocabulary: checkpoints and datasets name it.
        assertThat(BpeTokenizer.gpt2().sha256())
                .isEqualTo("ff2bf7c5ac87fa4e35078377d946d3e36d3670abbf42403ae23ea427eedafaaf");
        assertThat(trained().sha256())
                .isEqualTo(OWN.sha256())
                .isEqualTo("320a0db48b4f7ffe54da418f51e08d26482b9869437363a5a17a238d060b7b6a");
    }

    @Test
    void readsWhatItWrote() {
        for (BpeTokenizer tokenizer : List.of(BpeTokenizer.gpt2(), OWN)) {
            BpeTokenizer read = BpeTokenizer.fromJson(tokenizer.toJson());

            assertThat(read.sha256()).isEqualTo(tokenizer.sha256());
            assertThat(read.encode(Texts.VERSE)).isEqualTo(tokenizer.encode(Texts.VERSE));
            assertThat(read.specialTokens()).isEqualTo(tokenizer.specialTokens());
        }
    }

    @Test
    void writesTheFilesOfGpt2() throws IOException {
        JsonNode vocab = JSON.readTree(OWN.vocabJson());
        JsonNode config = JSON.readTree(OWN.tokenizerConfigJson());

        assertThat(vocab.size()).isEqualTo(OWN.vocabularySize());
        assertThat(vocab.get("!").asInt()).isZero();
        assertThat(vocab.get("Ġ").asInt()).isEqualTo(220);
        assertThat(vocab.get("<|pad|>").asInt()).isEqualTo(OWN.vocabularySize() - 5);
        assertThat(OWN.mergesTxt().lines()).hasSize(OWN.mergeCount() + 1);
        assertThat(BpeTokenizer.gpt2().mergesTxt()).startsWith("#version: 0.2\nĠ t\nĠ a\nh e\ni n\nr e\n");
        assertThat(config.get("tokenizer_class").asText()).isEqualTo("GPT2Tokenizer");
        assertThat(config.get("eos_token").asText()).isEqualTo("<|endoftext|>");
        assertThat(config.get("pad_token").asText()).isEqualTo("<|pad|>");
    }

    @Test
    void readsTheFileOfGpt2OnTheHub() {
        // Given that file's differences: options that later versions added are missing, and normalized is true
        BpeTokenizer read = BpeTokenizer.fromJson(with(root -> {
            ((ObjectNode) root.at("/pre_tokenizer")).remove("use_regex");
            ((ObjectNode) root.at("/post_processor"))
                    .put("add_prefix_space", true)
                    .remove("use_regex");
            ((ObjectNode) root.at("/model")).remove(List.of("type", "byte_fallback", "ignore_merges"));
            ((ObjectNode) root.at("/model"))
                    .put("continuing_subword_prefix", "")
                    .put("end_of_word_suffix", "");
            root.at("/added_tokens").forEach(token -> ((ObjectNode) token).put("normalized", true));
        }));

        assertThat(read.sha256()).isEqualTo(OWN.sha256());
    }

    @Test
    void readsTheTwoFilesThatGpt2Began() {
        for (BpeTokenizer tokenizer : List.of(BpeTokenizer.gpt2(), OWN)) {
            BpeTokenizer read = BpeTokenizer.fromVocabulary(tokenizer.vocabJson(), tokenizer.mergesTxt());

            assertThat(read.sha256()).isEqualTo(tokenizer.sha256());
        }
        assertThatThrownBy(() -> BpeTokenizer.fromVocabulary("{\"a\":0}", "#version: 0.2\n"))
                .hasMessageContaining("has no token, expected all 256");
        assertThatThrownBy(() -> BpeTokenizer.fromVocabulary(OWN.vocabJson(), "#version: 0.2\nqqq zzz\n"))
                .hasMessageContaining("merge 0")
                .hasMessageContaining("qqq");
    }

    @Test
    void readsMergesWrittenAsPairs() {
        BpeTokenizer read = BpeTokenizer.fromJson(with(root -> {
            ArrayNode pairs = JSON.createArrayNode();
            root.at("/model/merges").forEach(merge -> {
                int blank = merge.asText().indexOf(' ');
                pairs.addArray()
                        .add(merge.asText().substring(0, blank))
                        .add(merge.asText().substring(blank + 1));
            });
            ((ObjectNode) root.at("/model")).set("merges", pairs);
        }));

        assertThat(read.sha256()).isEqualTo(OWN.sha256());
    }

    @Test
    void readsIdsInAnyOrder() {
        // Given a vocabulary as Hugging Face's trainer numbers it: the special token first
        BpeTokenizer read = BpeTokenizer.fromJson(with(root -> {
            ObjectNode vocab = (ObjectNode) root.at("/model/vocab");
            int last = vocab.size();
            vocab.properties()
                    .forEach(
                            token -> vocab.put(token.getKey(), (token.getValue().asInt() + 6) % last));
            root.at("/added_tokens").forEach(token -> ((ObjectNode) token)
                    .put("id", (token.get("id").asInt() + 6) % last));
        }));

        assertThat(read.endOfText()).isZero();
        assertThat(read.decode(read.encode(Texts.VERSE))).isEqualTo(Texts.VERSE);
        assertThat(read.encode(Texts.VERSE))
                .isEqualTo(
                        Arrays.stream(OWN.encode(Texts.VERSE)).map(id -> id + 6).toArray());
        assertThat(BpeTokenizer.fromJson(read.toJson()).sha256()).isEqualTo(read.sha256());
    }

    static Stream<Arguments> hostile() {
        return Stream.of(
                hostile("normalizer is {", root -> root.putObject("normalizer").put("type", "NFC")),
                hostile("pre_tokenizer is null", root -> root.putNull("pre_tokenizer")),
                hostile("pre_tokenizer is missing", root -> root.remove("pre_tokenizer")),
                hostile("pre_tokenizer is {", root -> ((ObjectNode) root.at("/pre_tokenizer"))
                        .put("type", "Whitespace")),
                hostile("add_prefix_space is true", root -> ((ObjectNode) root.at("/pre_tokenizer"))
                        .put("add_prefix_space", true)),
                hostile("use_regex is false", root -> ((ObjectNode) root.at("/pre_tokenizer")).put("use_regex", false)),
                hostile("decoder is", root -> root.putObject("decoder").put("type", "WordPiece")),
                hostile("post_processor is", root -> root.putObject("post_processor")
                        .put("type", "BertProcessing")),
                hostile("model is missing", root -> root.remove("model")),
                hostile("model.type is \"WordPiece\"", root -> model(root).put("type", "WordPiece")),
                hostile("model.dropout is 0.1", root -> model(root).put("dropout", 0.1)),
                hostile("model.end_of_word_suffix", root -> model(root).put("end_of_word_suffix", "</w>")),
                hostile("model.byte_fallback is true", root -> model(root).put("byte_fallback", true)),
                hostile("model.ignore_merges is true", root -> model(root).put("ignore_merges", true)),
                hostile("model.vocab is missing", root -> model(root).remove("vocab")),
                hostile("model.vocab is of type array", root -> model(root).putArray("vocab")),
                hostile("model.merges is missing", root -> model(root).remove("merges")),
                hostile("byte 0x20 ('Ġ') has no token", root -> {
                    vocab(root).remove("Ġ");
                    vocab(root).put("!!!!", 220);
                }),
                hostile("'日本' (id 7) is not byte-level", root -> vocab(root).put("日本", 7)),
                hostile("token '!' has id -1", root -> vocab(root).put("!", -1)),
                hostile("token '!' has id 1.5", root -> vocab(root).put("!", 1.5)),
                hostile("token '!' has id \"0\"", root -> vocab(root).put("!", "0")),
                hostile("token '!' has id 99999999, expected ids from 0", root -> vocab(root)
                        .put("!", 99_999_999)),
                hostile("has id 1, which another token has", root -> vocab(root).put("!", 1)),
                hostile("merge 0 (\"xy\") has no blank", root -> merges(root).set(0, "xy")),
                hostile("merge 0 (7) is not a pair", root -> merges(root).set(0, 7)),
                hostile("is not a pair", root -> merges(root)
                        .set(0, JSON.createArrayNode().add("a"))),
                hostile("needs 'qq'", root -> merges(root).set(0, "qq a")),
                hostile("needs '!!'", root -> merges(root).set(0, "! !")),
                hostile("stands twice", root -> merges(root).add(merges(root).get(0))),
                hostile("added_tokens is of type object", root -> root.putObject("added_tokens")),
                hostile("has content null", root -> added(root).putNull("content")),
                hostile("has content \"\"", root -> added(root).put("content", "")),
                hostile("lstrip true", root -> added(root).put("lstrip", true)),
                hostile("special false", root -> added(root).put("special", false)),
                hostile("has id 395 in model.vocab and 368 in added_tokens", root -> vocab(root)
                        .put("<|endoftext|>", 395)),
                hostile("half of a surrogate pair", root -> added(root).put("content", "\uD83D")),
                hostile("stands twice in added_tokens", root -> ((ArrayNode) root.at("/added_tokens"))
                        .add(added(root).deepCopy().put("id", 3))),
                hostile("has the same id as", root -> ((ArrayNode) root.at("/added_tokens"))
                        .add(added(root).deepCopy().put("content", "<|other|>"))));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("hostile")
    void refusesWhatIsNotGpt2sKindSayingWhy(String expected, String json) {
        assertThatThrownBy(() -> BpeTokenizer.fromJson(json))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("Not a byte-level BPE tokenizer")
                .hasMessageContaining(expected);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "null", "7", "[]", "{}", "{\"model\":", "nonsense", "{\"a\":1,\"a\":2}", "{} {}"})
    void refusesWhatIsNotEvenAnObject(String json) {
        assertThatThrownBy(() -> BpeTokenizer.fromJson(json))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("Not a byte-level BPE tokenizer");
    }

    @Test
    void refusesNestingWithoutEnd() {
        assertThatThrownBy(() -> BpeTokenizer.fromJson("[".repeat(1_000_000)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("Not a byte-level BPE tokenizer");
    }

    @Property
    void spellsAnyBytesAndReadsThemBack(@ForAll byte[] bytes) {
        String spelled = ByteAlphabet.spell(bytes);

        assertThat(ByteAlphabet.bytes(spelled)).isEqualTo(bytes);
        assertThat(spelled.chars()).noneMatch(c -> Character.isWhitespace(c) || Character.isISOControl(c));
    }

    private static Arguments hostile(String expected, Consumer<ObjectNode> change) {
        return Arguments.of(expected, with(change));
    }

    private static String with(Consumer<ObjectNode> change) {
        try {
            ObjectNode root = (ObjectNode) JSON.readTree(OWN.toJson());
            change.accept(root);
            return JSON.writeValueAsString(root);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static ObjectNode model(ObjectNode root) {
        return (ObjectNode) root.get("model");
    }

    private static ObjectNode vocab(ObjectNode root) {
        return (ObjectNode) root.at("/model/vocab");
    }

    private static ArrayNode merges(ObjectNode root) {
        return (ArrayNode) root.at("/model/merges");
    }

    private static ObjectNode added(ObjectNode root) {
        return (ObjectNode) root.at("/added_tokens/0");
    }

    private static BpeTokenizer trained() {
        BpeTrainer trainer = new BpeTrainer(400, SpecialTokens.ALL);
        trainer.add(Texts.VERSE);
        return trainer.train(BpeTrainer.ProgressListener.NONE);
    }
}

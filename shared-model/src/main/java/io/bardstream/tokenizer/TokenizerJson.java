package io.bardstream.tokenizer;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * A vocabulary in the files of Hugging Face: {@code tokenizer.json} (of the tokenizers library), {@code vocab.json} and
 * {@code merges.txt} (GPT-2's own), {@code tokenizer_config.json} (of transformers). What is written is deterministic,
 * to the byte. What is read is checked: a file that would give other ids here than there is refused.
 */
final class TokenizerJson {

    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private static final String VERSION_LINE = "#version";
    private static final String NOT_ONE = "Not a byte-level BPE tokenizer with GPT-2's split pattern: ";

    private TokenizerJson() {}

    // Writing

    static String write(Vocabulary vocabulary) {
        ObjectNode root = JSON.createObjectNode();
        root.put("version", "1.0");
        root.putNull("truncation");
        root.putNull("padding");
        ArrayNode added = root.putArray("added_tokens");
        vocabulary.specials().forEach((content, id) -> {
            ObjectNode token = added.addObject();
            token.put("id", id);
            describe(content, token);
        });
        root.putNull("normalizer");
        byteLevel(root.putObject("pre_tokenizer"), false);
        byteLevel(root.putObject("post_processor"), true);
        byteLevel(root.putObject("decoder"), true);
        ObjectNode model = root.putObject("model");
        model.put("type", "BPE");
        model.putNull("dropout");
        model.putNull("unk_token");
        model.putNull("continuing_subword_prefix");
        model.putNull("end_of_word_suffix");
        model.put("fuse_unk", false);
        model.put("byte_fallback", false);
        model.put("ignore_merges", false);
        List<String> spelled = spelled(vocabulary);
        model.set("vocab", vocab(spelled));
        ArrayNode merges = model.putArray("merges");
        for (Vocabulary.Merge merge : vocabulary.merges()) {
            merges.add(spelled.get(merge.left()) + " " + spelled.get(merge.right()));
        }
        return string(root);
    }

    static String vocabJson(Vocabulary vocabulary) {
        return string(vocab(spelled(vocabulary)));
    }

    static String mergesTxt(Vocabulary vocabulary) {
        List<String> spelled = spelled(vocabulary);
        StringBuilder lines = new StringBuilder(VERSION_LINE + ": 0.2\n");
        for (Vocabulary.Merge merge : vocabulary.merges()) {
            lines.append(spelled.get(merge.left()))
                    .append(' ')
                    .append(spelled.get(merge.right()))
                    .append('\n');
        }
        return lines.toString();
    }

    static String tokenizerConfigJson(Vocabulary vocabulary) {
        ObjectNode root = JSON.createObjectNode();
        root.put("add_prefix_space", false);
        ObjectNode added = root.putObject("added_tokens_decoder");
        vocabulary.specials().forEach((content, id) -> describe(content, added.putObject(String.valueOf(id))));
        root.put("clean_up_tokenization_spaces", false);
        root.put("tokenizer_class", "GPT2Tokenizer");
        if (vocabulary.specials().containsKey(SpecialTokens.END_OF_TEXT)) {
            root.put("bos_token", SpecialTokens.END_OF_TEXT);
            root.put("eos_token", SpecialTokens.END_OF_TEXT);
            root.put("unk_token", SpecialTokens.END_OF_TEXT);
        }
        if (vocabulary.specials().containsKey(SpecialTokens.PAD)) {
            root.put("pad_token", SpecialTokens.PAD);
        }
        if (ChatFormat.isIn(vocabulary.specials().keySet())) {
            root.put("chat_template", ChatFormat.template());
        }
        return string(root);
    }

    private static void describe(String content, ObjectNode token) {
        token.put("content", content);
        token.put("single_word", false);
        token.put("lstrip", false);
        token.put("rstrip", false);
        token.put("normalized", false);
        token.put("special", true);
    }

    private static void byteLevel(ObjectNode node, boolean trimOffsets) {
        node.put("type", "ByteLevel");
        node.put("add_prefix_space", false);
        node.put("trim_offsets", trimOffsets);
        node.put("use_regex", true);
    }

    private static ObjectNode vocab(List<String> spelled) {
        ObjectNode vocab = JSON.createObjectNode();
        for (int id = 0; id < spelled.size(); id++) {
            vocab.put(spelled.get(id), id);
        }
        return vocab;
    }

    /** Each id as vocabulary files name it: bytes in GPT-2's printable spelling, special tokens as they are. */
    private static List<String> spelled(Vocabulary vocabulary) {
        String[] spelled = new String[vocabulary.size()];
        vocabulary.specials().forEach((content, id) -> spelled[id] = content);
        for (int id = 0; id < spelled.length; id++) {
            if (spelled[id] == null) {
                spelled[id] = ByteAlphabet.spell(vocabulary.bytesOf(id));
            }
        }
        return Arrays.asList(spelled);
    }

    private static String string(ObjectNode node) {
        try {
            return JSON.writeValueAsString(node);
        } catch (JacksonException e) {
            throw new UncheckedIOException("A tree of plain values is always JSON", e);
        }
    }

    // Reading

    static Vocabulary read(String json) {
        JsonNode root = parse(json);
        require(root.isObject(), "the whole is " + kind(root) + ", expected an object");
        requireAbsent(root, "normalizer");
        requireByteLevel(root.path("pre_tokenizer"), "pre_tokenizer");
        JsonNode preTokenizer = root.path("pre_tokenizer");
        require(
                !preTokenizer.path("add_prefix_space").asBoolean(true),
                "pre_tokenizer.add_prefix_space is true or missing, expected false");
        require(
                preTokenizer.path("use_regex").asBoolean(true),
                "pre_tokenizer.use_regex is false, expected true: GPT-2's split pattern");
        requireByteLevel(root.path("decoder"), "decoder");
        if (!isAbsent(root.path("post_processor"))) {
            requireByteLevel(root.path("post_processor"), "post_processor");
        }
        JsonNode model = root.path("model");
        require(model.isObject(), "model is " + kind(model) + ", expected an object");
        require(
                model.path("type").asText("BPE").equals("BPE"),
                "model.type is " + model.path("type") + ", expected \"BPE\"");
        for (String option : List.of("dropout", "continuing_subword_prefix", "end_of_word_suffix")) {
            JsonNode value = model.path(option);
            require(
                    isAbsent(value) || (value.isTextual() && value.asText().isEmpty()),
                    "model." + option + " is " + value + ", expected null: byte-level BPE has none");
        }
        for (String option : List.of("byte_fallback", "ignore_merges")) {
            require(
                    !model.path(option).asBoolean(false),
                    "model." + option + " is true, expected false: GPT-2's BPE applies its merges only");
        }
        Map<String, Integer> specials = specials(root.path("added_tokens"));
        return vocabulary(model, specials);
    }

    /** GPT-2's own two files. They do not say which tokens are special: those named in {@link SpecialTokens} are. */
    static Vocabulary read(String vocabJson, String mergesTxt) {
        ObjectNode model = JSON.createObjectNode();
        JsonNode vocab = model.set("vocab", parse(vocabJson)).path("vocab");
        ArrayNode merges = model.putArray("merges");
        mergesTxt
                .lines()
                .filter(line -> !line.isBlank() && !line.startsWith(VERSION_LINE))
                .forEach(merges::add);
        Map<Integer, String> byId = new TreeMap<>();
        SpecialTokens.ALL.stream()
                .filter(vocab::has)
                .forEach(token -> byId.put(id(vocab.path(token), "token '" + token + "'"), token));
        return vocabulary(model, inOrder(byId));
    }

    private static JsonNode parse(String json) {
        try {
            return JSON.readTree(json);
        } catch (JacksonException e) {
            throw new IllegalArgumentException(NOT_ONE + e.getOriginalMessage() + at(e), e);
        }
    }

    private static String at(JacksonException e) {
        return e.getLocation() == null
                ? ""
                : " (line " + e.getLocation().getLineNr() + ", column "
                        + e.getLocation().getColumnNr() + ")";
    }

    /** The special tokens by content, in the order of their ids. */
    private static Map<String, Integer> specials(JsonNode added) {
        require(added.isArray() || isAbsent(added), "added_tokens is " + kind(added) + ", expected an array");
        Map<Integer, String> byId = new TreeMap<>();
        Set<String> contents = new HashSet<>();
        for (JsonNode token : added) {
            JsonNode content = token.path("content");
            require(
                    content.isTextual() && !content.asText().isEmpty(),
                    "an added token has content " + content + ", expected a text that is not empty");
            String name = "added token '" + content.asText() + "'";
            require(isWhole(content.asText()), name + " holds half of a surrogate pair");
            require(contents.add(content.asText()), name + " stands twice in added_tokens");
            for (String option : List.of("single_word", "lstrip", "rstrip")) {
                require(!token.path(option).asBoolean(false), name + " has " + option + " true, expected false");
            }
            require(
                    token.path("special").asBoolean(false),
                    name + " has special false, expected true: ordinary text cannot be cut at added words here");
            String other = byId.put(id(token.path("id"), name), content.asText());
            require(other == null, name + " has the same id as '" + other + "'");
        }
        return inOrder(byId);
    }

    private static Map<String, Integer> inOrder(Map<Integer, String> byId) {
        Map<String, Integer> specials = new LinkedHashMap<>();
        byId.forEach((id, content) -> specials.put(content, id));
        return specials;
    }

    private static Vocabulary vocabulary(JsonNode model, Map<String, Integer> specials) {
        JsonNode vocab = model.path("vocab");
        require(vocab.isObject(), "model.vocab is " + kind(vocab) + ", expected an object of token to id");
        int added = (int) specials.keySet().stream().filter(s -> !vocab.has(s)).count();
        int size = vocab.size() + added;
        require(
                size <= Vocabulary.LARGEST,
                "the vocabulary has " + size + " tokens, expected at most " + Vocabulary.LARGEST);
        byte[][] tokens = new byte[size][];
        specials.forEach((content, id) -> place(tokens, id, content, content.getBytes(StandardCharsets.UTF_8)));
        Map<String, Integer> ids = new HashMap<>(2 * size);
        for (Map.Entry<String, JsonNode> entry : vocab.properties()) {
            String token = entry.getKey();
            int id = id(entry.getValue(), "token '" + token + "'");
            if (specials.containsKey(token)) {
                int special = specials.get(token);
                require(
                        id == special,
                        "token '" + token + "' has id " + id + " in model.vocab and " + special + " in added_tokens");
                continue;
            }
            byte[] bytes = ByteAlphabet.bytes(token);
            require(
                    bytes != null && bytes.length > 0,
                    "token '" + token + "' (id " + id + ") is not byte-level: a"
                            + " character of it is none of the 256 that stand for bytes");
            place(tokens, id, token, bytes);
            ids.put(token, id);
        }
        for (int b = 0; b < 256; b++) {
            String token = ByteAlphabet.spell(new byte[] {(byte) b});
            require(
                    ids.containsKey(token),
                    String.format("not byte-level: byte 0x%02X ('%s') has no token, expected all 256", b, token));
        }
        return new Vocabulary(Arrays.asList(tokens), merges(model.path("merges"), ids), specials);
    }

    private static void place(byte[][] tokens, int id, String token, byte[] bytes) {
        require(
                id < tokens.length,
                "token '" + token + "' has id " + id + ", expected ids from 0 to " + (tokens.length - 1)
                        + " without a gap");
        require(tokens[id] == null, "token '" + token + "' has id " + id + ", which another token has");
        tokens[id] = bytes;
    }

    private static List<Vocabulary.Merge> merges(JsonNode merges, Map<String, Integer> ids) {
        require(merges.isArray(), "model.merges is " + kind(merges) + ", expected an array");
        require(
                merges.size() < Vocabulary.LARGEST,
                "there are " + merges.size() + " merges, expected fewer than " + Vocabulary.LARGEST);
        List<Vocabulary.Merge> list = new ArrayList<>(merges.size());
        Set<Long> pairs = new HashSet<>(2 * merges.size());
        for (JsonNode merge : merges) {
            String name = "merge " + list.size() + " (" + merge + ")";
            String left;
            String right;
            if (merge.isTextual()) {
                String both = merge.asText();
                int blank = both.indexOf(' ');
                require(blank >= 0, name + " has no blank between its halves");
                left = both.substring(0, blank);
                right = both.substring(blank + 1);
            } else {
                require(
                        merge.isArray()
                                && merge.size() == 2
                                && merge.get(0).isTextual()
                                && merge.get(1).isTextual(),
                        name + " is not a pair of texts");
                left = merge.get(0).asText();
                right = merge.get(1).asText();
            }
            for (String token : List.of(left, right, left + right)) {
                require(ids.containsKey(token), name + " needs '" + token + "', which the vocabulary does not have");
            }
            Vocabulary.Merge parsed = new Vocabulary.Merge(ids.get(left), ids.get(right), ids.get(left + right));
            require(pairs.add(((long) parsed.left() << 32) | parsed.right()), name + " stands twice");
            list.add(parsed);
        }
        return list;
    }

    private static int id(JsonNode id, String name) {
        require(id.isInt() && id.asInt() >= 0, name + " has id " + id + ", expected a whole number from 0");
        return id.asInt();
    }

    private static void requireByteLevel(JsonNode node, String name) {
        require(
                node.path("type").asText("").equals("ByteLevel"),
                name + " is " + brief(node) + ", expected {\"type\":\"ByteLevel\",…} as GPT-2's");
    }

    private static void requireAbsent(JsonNode root, String name) {
        require(isAbsent(root.path(name)), name + " is " + brief(root.path(name)) + ", expected null as GPT-2's");
    }

    private static boolean isAbsent(JsonNode node) {
        return node.isMissingNode() || node.isNull();
    }

    private static boolean isWhole(String text) {
        return StandardCharsets.UTF_8.newEncoder().canEncode(text);
    }

    private static String brief(JsonNode node) {
        String all = node.isMissingNode() ? "missing" : node.toString();
        return all.length() <= 80 ? all : all.substring(0, 80) + "…";
    }

    private static String kind(JsonNode node) {
        return node.isMissingNode()
                ? "missing"
                : "of type " + node.getNodeType().name().toLowerCase(Locale.ROOT);
    }

    private static void require(boolean condition, String problem) {
        if (!condition) {
            throw new IllegalArgumentException(NOT_ONE + problem);
        }
    }
}

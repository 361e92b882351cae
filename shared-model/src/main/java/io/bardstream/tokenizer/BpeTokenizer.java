package io.bardstream.tokenizer;

import static java.util.stream.Collectors.joining;

import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A byte-level BPE tokenizer as GPT-2's: text is cut into pieces by GPT-2's split pattern, and the UTF-8 bytes of each
 * piece are joined by the learned merges, earliest first. Every text has ids, and {@code decode(encode(text))} is the
 * text. Immutable and thread-safe; threads share one bounded cache of words.
 */
public final class BpeTokenizer {

    private static final class Gpt2 {
        static final BpeTokenizer INSTANCE = new BpeTokenizer(Gpt2Vocabulary.read());
    }

    private final Vocabulary vocabulary;
    private final MergeTable merges;

    /** Finds the special tokens in a text, the longest first where several begin. */
    private final Pattern specials;

    private volatile WordCache cache;

    private volatile String sha256;

    BpeTokenizer(Vocabulary vocabulary) {
        this.vocabulary = vocabulary;
        this.merges = new MergeTable(vocabulary);
        this.specials = Pattern.compile(vocabulary.specials().keySet().stream()
                .sorted(Comparator.comparingInt(String::length).reversed())
                .map(Pattern::quote)
                .collect(joining("|")));
    }

    /** OpenAI's GPT-2 vocabulary: 256 bytes, 50,000 merges and {@code <|endoftext|>} = 50,256. */
    public static BpeTokenizer gpt2() {
        return Gpt2.INSTANCE;
    }

    /**
     * Reads a Hugging Face {@code tokenizer.json} of a byte-level BPE with GPT-2's split pattern.
     *
     * @throws IllegalArgumentException if it is anything else, saying what was found and what was expected
     */
    public static BpeTokenizer fromJson(String tokenizerJson) {
        return new BpeTokenizer(TokenizerJson.read(tokenizerJson));
    }

    /**
     * Reads GPT-2's {@code vocab.json} and {@code merges.txt}; tokens that {@link SpecialTokens} names are special.
     *
     * @throws IllegalArgumentException if they are no byte-level BPE, saying what was found and what was expected
     */
    public static BpeTokenizer fromVocabulary(String vocabJson, String mergesTxt) {
        return new BpeTokenizer(TokenizerJson.read(vocabJson, mergesTxt));
    }

    /**
     * The tokenizer in which conversations can be written: this one where it has all of {@link SpecialTokens#ALL}, or else
     * one that extends it by those it lacks, behind its last id. GPT-2's becomes one of 50,262 ids.
     */
    public BpeTokenizer withChatTokens() {
        List<String> lacking = SpecialTokens.ALL.stream()
                .filter(token -> !vocabulary.specials().containsKey(token))
                .toList();
        return lacking.isEmpty() ? this : new BpeTokenizer(vocabulary.withSpecials(lacking));
    }

    /**
     * The ids of a text. Text that looks like a special token stays text.
     *
     * @throws IllegalArgumentException if the text holds a surrogate without its partner, naming its position
     */
    public int[] encode(CharSequence text) {
        String string = text.toString();
        Encoder encoder = encoder(string.length());
        encode(string, 0, string.length(), encoder);
        return Arrays.copyOf(encoder.tokens(), encoder.count());
    }

    /** As {@link #encode}, but where the text spells a special token its id stands: for prompts that we compose. */
    public int[] encodeWithSpecials(CharSequence text) {
        if (vocabulary.specials().isEmpty()) {
            return encode(text);
        }
        String string = text.toString();
        Encoder encoder = encoder(string.length());
        Matcher special = specials.matcher(string);
        int from = 0;
        while (special.find()) {
            encode(string, from, special.start(), encoder);
            encoder.special(vocabulary.specials().get(special.group()), special.end() - special.start());
            from = special.end();
        }
        encode(string, from, string.length(), encoder);
        return Arrays.copyOf(encoder.tokens(), encoder.count());
    }

    /** The ids of a text of any size, those of {@link #encode}. */
    public TokenStream stream(Reader text) {
        return new TokenStream(text, encoder(Pieces.PART));
    }

    private Encoder encoder(int expectedCharacters) {
        WordCache words = cache;
        if (words == null) {
            words = new WordCache();
            cache = words;
        }
        return new Encoder(merges, words, expectedCharacters);
    }

    private static void encode(String text, int from, int to, Encoder encoder) {
        char[] part = new char[Math.min(to - from, Pieces.PART)];
        for (int at = from; at < to; at += part.length) {
            int length = Math.min(part.length, to - at);
            text.getChars(at, at + length, part, 0);
            encoder.append(part, 0, length);
        }
        encoder.endText();
    }

    /**
     * The text of ids, special tokens included. Bytes that are not UTF-8, as a cut through a character leaves them,
     * become U+FFFD.
     *
     * @throws IllegalArgumentException if an id is not in the vocabulary
     */
    public String decode(int... tokens) {
        return new String(decodeBytes(tokens), StandardCharsets.UTF_8);
    }

    /** The bytes of ids, special tokens included. */
    public byte[] decodeBytes(int... tokens) {
        long length = 0;
        for (int token : tokens) {
            length += vocabulary.length(known(token));
        }
        byte[] bytes = new byte[Math.toIntExact(length)];
        int at = 0;
        for (int token : tokens) {
            at = vocabulary.copy(token, bytes, at);
        }
        return bytes;
    }

    /** The bytes of one id: often a part of a character only, so a stream of text collects them. */
    public byte[] bytesOf(int token) {
        return vocabulary.bytesOf(known(token));
    }

    private int known(int token) {
        if (token < 0 || token >= vocabulary.size()) {
            throw new IllegalArgumentException(
                    "Token id " + token + " is not in the vocabulary, whose ids are 0 to " + (vocabulary.size() - 1));
        }
        return token;
    }

    /** How many ids there are; they run from 0 to one less. */
    public int vocabularySize() {
        return vocabulary.size();
    }

    /** How many merges were learned. */
    public int mergeCount() {
        return vocabulary.merges().size();
    }

    /** The special tokens with their ids, in the order of the ids. */
    public Map<String, Integer> specialTokens() {
        return vocabulary.specials();
    }

    /** The id of a special token, if this vocabulary has it. */
    public OptionalInt specialToken(String token) {
        Integer id = vocabulary.specials().get(token);
        return id == null ? OptionalInt.empty() : OptionalInt.of(id);
    }

    /**
     * The id of {@link SpecialTokens#END_OF_TEXT}.
     *
     * @throws IllegalStateException if this vocabulary has none
     */
    public int endOfText() {
        return specialToken(SpecialTokens.END_OF_TEXT)
                .orElseThrow(() -> new IllegalStateException("This vocabulary has no " + SpecialTokens.END_OF_TEXT
                        + "; its special tokens are " + specialTokens().keySet()));
    }

    /** The complete Hugging Face {@code tokenizer.json}; the same vocabulary always gives the same characters. */
    public String toJson() {
        return TokenizerJson.write(vocabulary);
    }

    /** GPT-2's {@code vocab.json}: each token in byte-level spelling with its id, special tokens included. */
    public String vocabJson() {
        return TokenizerJson.vocabJson(vocabulary);
    }

    /** GPT-2's {@code merges.txt}: a version line, then one merge a line, earliest first. */
    public String mergesTxt() {
        return TokenizerJson.mergesTxt(vocabulary);
    }

    /** The {@code tokenizer_config.json} with which transformers loads the other files as a GPT-2 tokenizer. */
    public String tokenizerConfigJson() {
        return TokenizerJson.tokenizerConfigJson(vocabulary);
    }

    /** The sha256 of {@link #toJson()} in UTF-8, in lower-case hexadecimal: the tokenizer's identity. */
    public String sha256() {
        String known = sha256;
        if (known == null) {
            try {
                known = HexFormat.of()
                        .formatHex(
                                MessageDigest.getInstance("SHA-256").digest(toJson().getBytes(StandardCharsets.UTF_8)));
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException("Every JDK has SHA-256", e);
            }
            sha256 = known;
        }
        return known;
    }
}

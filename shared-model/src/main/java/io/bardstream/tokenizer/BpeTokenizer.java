package io.bardstream.tokenizer;

import java.io.Reader;
import java.util.Map;
import java.util.OptionalInt;

/**
 * A byte-level BPE tokenizer as GPT-2's: text is cut into pieces by GPT-2's split pattern, and the UTF-8 bytes of each
 * piece are joined by the learned merges, earliest first. Every text has ids, and {@code decode(encode(text))} is the
 * text. Immutable and thread-safe.
 */
public final class BpeTokenizer {

    BpeTokenizer() {}

    /** OpenAI's GPT-2 vocabulary: 256 bytes, 50,000 merges and {@code <|endoftext|>} = 50,256. */
    public static BpeTokenizer gpt2() {
        throw new UnsupportedOperationException("gpt2");
    }

    /**
     * Reads a Hugging Face {@code tokenizer.json} of a byte-level BPE with GPT-2's split pattern.
     *
     * @throws IllegalArgumentException if it is anything else, saying what was found and what was expected
     */
    public static BpeTokenizer fromJson(String tokenizerJson) {
        throw new UnsupportedOperationException("fromJson");
    }

    /**
     * The ids of a text. Text that looks like a special token stays text.
     *
     * @throws IllegalArgumentException if the text holds a surrogate without its partner, naming its position
     */
    public int[] encode(CharSequence text) {
        throw new UnsupportedOperationException("encode");
    }

    /** As {@link #encode}, but where the text spells a special token its id stands: for prompts that we compose. */
    public int[] encodeWithSpecials(CharSequence text) {
        throw new UnsupportedOperationException("encodeWithSpecials");
    }

    /** The ids of a text of any size, those of {@link #encode}. */
    public TokenStream stream(Reader text) {
        throw new UnsupportedOperationException("stream");
    }

    /**
     * The text of ids, special tokens included. Bytes that are not UTF-8, as a cut through a character leaves them,
     * become U+FFFD.
     *
     * @throws IllegalArgumentException if an id is not in the vocabulary
     */
    public String decode(int... tokens) {
        throw new UnsupportedOperationException("decode");
    }

    /** The bytes of ids, special tokens included. */
    public byte[] decodeBytes(int... tokens) {
        throw new UnsupportedOperationException("decodeBytes");
    }

    /** The bytes of one id: often a part of a character only, so a stream of text collects them. */
    public byte[] bytesOf(int token) {
        throw new UnsupportedOperationException("bytesOf");
    }

    /** How many ids there are; they run from 0 to one less. */
    public int vocabularySize() {
        throw new UnsupportedOperationException("vocabularySize");
    }

    /** How many merges were learned. */
    public int mergeCount() {
        throw new UnsupportedOperationException("mergeCount");
    }

    /** The special tokens with their ids, in the order of the ids. */
    public Map<String, Integer> specialTokens() {
        throw new UnsupportedOperationException("specialTokens");
    }

    /** The id of a special token, if this vocabulary has it. */
    public OptionalInt specialToken(String token) {
        throw new UnsupportedOperationException("specialToken");
    }

    /**
     * The id of {@link SpecialTokens#END_OF_TEXT}.
     *
     * @throws IllegalStateException if this vocabulary has none
     */
    public int endOfText() {
        throw new UnsupportedOperationException("endOfText");
    }

    /** The complete Hugging Face {@code tokenizer.json}; the same vocabulary always gives the same characters. */
    public String toJson() {
        throw new UnsupportedOperationException("toJson");
    }

    /** GPT-2's {@code vocab.json}: each token in byte-level spelling with its id, special tokens included. */
    public String vocabJson() {
        throw new UnsupportedOperationException("vocabJson");
    }

    /** GPT-2's {@code merges.txt}: a version line, then one merge a line, earliest first. */
    public String mergesTxt() {
        throw new UnsupportedOperationException("mergesTxt");
    }

    /** The {@code tokenizer_config.json} with which transformers loads the other files as a GPT-2 tokenizer. */
    public String tokenizerConfigJson() {
        throw new UnsupportedOperationException("tokenizerConfigJson");
    }

    /** The sha256 of {@link #toJson()} in UTF-8, in lower-case hexadecimal: the tokenizer's identity. */
    public String sha256() {
        throw new UnsupportedOperationException("sha256");
    }
}

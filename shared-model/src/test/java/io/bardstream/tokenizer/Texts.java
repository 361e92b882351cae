package io.bardstream.tokenizer;

import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Provide;
import net.jqwik.api.domains.DomainContextBase;

/** Texts that tokenizers trip over, and GPT-2's split pattern as the JDK's regular expressions run it. */
class Texts extends DomainContextBase {

    /** Shakespeare: sonnet 18, and the beginning of the seven ages. */
    static final String VERSE = """
            Shall I compare thee to a summer's day?
            Thou art more lovely and more temperate:
            Rough winds do shake the darling buds of May,
            And summer's lease hath all too short a date;
            Sometime too hot the eye of heaven shines,
            And often is his gold complexion dimm'd;
            And every fair from fair sometime declines,
            By chance or nature's changing course untrimm'd;
            But thy eternal summer shall not fade,
            Nor lose possession of that fair thou ow'st;
            Nor shall death brag thou wander'st in his shade,
            When in eternal lines to time thou grow'st:
              So long as men can breathe or eyes can see,
              So long lives this, and this gives life to thee.

            All the world's a stage,
            And all the men and women merely players;
            They have their exits and their entrances,
            And one man in his time plays many parts,
            His acts being seven ages.
            """;

    private static final Pattern PIECE = Pattern.compile(
            "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
            Pattern.UNICODE_CHARACTER_CLASS);

    private static final List<String> CURIOUS = List.of(
            " ",
            "  ",
            "\n",
            "\t",
            "\r\n",
            "\u0000",
            "\u0085",
            "\u00a0",
            "\u2028",
            "\u180e",
            "\u200b",
            "\ufeff",
            "\u001c",
            "\u001f",
            "\u3000",
            "'",
            "'s",
            "'re",
            "'ll",
            "'S",
            "\u2019s",
            "<|endoftext|>",
            "e\u0301",
            "\u0301",
            "1",
            "\u00bd",
            "\u2167",
            "\u0663",
            "\u00e9",
            "\u03a9",
            "日本",
            "語",
            "ह",
            "ि",
            "👩‍👩‍👧",
            "🇩🇪",
            "😀",
            "\uD835\uDC00",
            "\uD800\uDF20",
            "\uFFFF",
            "\uDBFF\uDFFF",
            "the",
            " the",
            "ROMEO",
            ":",
            "...",
            "_",
            "aaaa");

    static List<String> pieces(String text) {
        return PIECE.matcher(text).results().map(MatchResult::group).toList();
    }

    /** Whole texts: curious snippets between words and any characters. */
    @Provide
    Arbitrary<String> texts() {
        return Arbitraries.oneOf(Arbitraries.of(CURIOUS), Arbitraries.of(CURIOUS), words(), anything())
                .list()
                .ofMaxSize(40)
                .map(parts -> String.join("", parts));
    }

    private static Arbitrary<String> words() {
        return Arbitraries.strings().withChars("abcdest ").ofMinLength(1).ofMaxLength(20);
    }

    /**
     * Any characters that the JDK knows. Of those it does not, its own regular expressions and older peers think
     * otherwise than Unicode 16.0.
     */
    private static Arbitrary<String> anything() {
        return Arbitraries.integers()
                .between(0, Character.MAX_CODE_POINT)
                .filter(c ->
                        Character.getType(c) != Character.UNASSIGNED && Character.getType(c) != Character.SURROGATE)
                .map(Character::toString)
                .list()
                .ofMaxSize(8)
                .map(characters -> String.join("", characters));
    }
}

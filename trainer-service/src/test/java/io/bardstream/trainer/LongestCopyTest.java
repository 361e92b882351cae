package io.bardstream.trainer;

import static org.assertj.core.api.Assertions.assertThat;

import io.bardstream.tokenizer.BpeTokenizer;
import io.bardstream.train.TokenSource;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What a sample has in common with the corpus, against the definition. */
class LongestCopyTest {
    private static final BpeTokenizer GPT2 = BpeTokenizer.gpt2();

    @Test
    void countsCharactersNotBytesOrTokens() {
        assertThat(copied("so rough winds do shake the", "Rough winds do shake the darling buds"))
                .isEqualTo(26 - 4 + 1);
        assertThat(copied("naïve — ach, größer", "wie größer als")).isEqualTo(7);
        assertThat(copied("xyz", "abc")).isZero();
        assertThat(copied("", "abc")).isZero();
    }

    @Test
    void agreesWithTheDefinitionOnRandomTexts() {
        Random random = new Random(5);
        for (int round = 0; round < 200; round++) {
            String sample = letters(random, 1 + random.nextInt(40));
            String corpus = letters(random, random.nextInt(200));
            assertThat(copied(sample, corpus)).as("%s in %s", sample, corpus).isEqualTo(byDefinition(sample, corpus));
        }
    }

    private static int copied(String sample, String corpus) {
        return new LongestCopy(sample).in(TokenSource.of(GPT2.encode(corpus)), GPT2);
    }

    private static int byDefinition(String sample, String corpus) {
        int longest = 0;
        for (int from = 0; from < sample.length(); from++) {
            for (int to = from + longest + 1;
                    to <= sample.length() && corpus.contains(sample.substring(from, to));
                    to++) {
                longest = to - from;
            }
        }
        return longest;
    }

    private static String letters(Random random, int length) {
        return random.ints(length, 'a', 'd')
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
    }
}

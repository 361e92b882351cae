package io.bardstream.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.io.Reader;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.domains.Domain;
import net.jqwik.api.domains.DomainContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

@Domain(Texts.class)
@Domain(DomainContext.Global.class)
class BpeTokenizerTest {

    private static final MergeTable GPT2_MERGES = new MergeTable(Gpt2Vocabulary.read());

    private final BpeTokenizer gpt2 = BpeTokenizer.gpt2();

    /** Ids by tiktoken 0.14.0, encoding gpt2. */
    static Stream<Arguments> golden() {
        return Stream.of(
                golden(""),
                golden("Hello world", 15496, 995),
                golden(
                        "It's 42 o'clock; we've, I'LL  \n\n\t x",
                        1026,
                        338,
                        5433,
                        267,
                        6,
                        15750,
                        26,
                        356,
                        1053,
                        11,
                        314,
                        6,
                        3069,
                        220,
                        220,
                        628,
                        197,
                        2124),
                golden("naïve café Ωμέγα", 2616, 38776, 40304, 7377, 102, 34703, 138, 255, 42063, 17394),
                golden("日本語のテキスト", 33768, 98, 17312, 105, 45739, 252, 5641, 24336, 25084, 43302),
                golden(
                        "👩‍👩‍👧‍👦🇩🇪",
                        41840,
                        102,
                        447,
                        235,
                        41840,
                        102,
                        447,
                        235,
                        41840,
                        100,
                        447,
                        235,
                        41840,
                        99,
                        8582,
                        229,
                        102,
                        8582,
                        229,
                        103),
                golden("a\0b\0\0", 64, 188, 65, 188, 188),
                golden(
                        "x\u0085\u00a0\u2028\u180e\u200b\ufeff\u001c\u001d\u001e\u001f y",
                        87,
                        126,
                        227,
                        1849,
                        447,
                        101,
                        157,
                        254,
                        236,
                        9525,
                        171,
                        119,
                        123,
                        216,
                        217,
                        218,
                        219,
                        331),
                golden("e\u0301\u0300 ½ Ⅷ ٣", 68, 136, 223, 136, 222, 25208, 2343, 227, 100, 18923, 96),
                golden("\r\n  \r\n ", 201, 198, 220, 220, 201, 198, 220),
                golden("'s't're've'm'll'd's", 338, 470, 821, 1053, 1101, 1183, 1549, 338),
                golden("\uD83E\uDDFF\uD803\uDD40\uD839\uDDD0", 8582, 100, 123, 172, 238, 113, 222, 172, 252, 245, 238));
    }

    private static Arguments golden(String text, int... tokens) {
        return Arguments.of(text, tokens);
    }

    @ParameterizedTest
    @MethodSource("golden")
    void givesTheIdsOfOpenAi(String text, int[] tokens) {
        assertThat(gpt2.encode(text)).isEqualTo(tokens);
        assertThat(gpt2.decode(tokens)).isEqualTo(text);
    }

    @Test
    void hasTheVocabularyOfOpenAi() throws IOException {
        assertThat(gpt2.vocabularySize()).isEqualTo(50_257);
        assertThat(gpt2.mergeCount()).isEqualTo(50_000);
        assertThat(gpt2.endOfText()).isEqualTo(50_256);
        assertThat(Gpt2Vocabulary.class
                        .getResourceAsStream(Gpt2Vocabulary.RESOURCE)
                        .readAllBytes())
                .isEqualTo(Gpt2MergesGenerator.generate());
    }

    @Test
    void countsTinyshakespeareAsNanoGptDoes() throws IOException {
        String file = System.getenv("BARDSTREAM_TINYSHAKESPEARE");
        assumeThat(file)
                .as("BARDSTREAM_TINYSHAKESPEARE names the file of tinyshakespeare")
                .isNotNull();
        String text = Files.readString(Path.of(file));
        int ninetyPercent = 1_003_854;

        assertThat(gpt2.encode(text)).hasSize(338_025);
        assertThat(gpt2.encode(text.substring(0, ninetyPercent))).hasSize(301_966);
        assertThat(gpt2.encode(text.substring(ninetyPercent))).hasSize(36_059);
    }

    @Property(tries = 2000)
    void decodesWhatItEncoded(@ForAll String text) {
        assertThat(gpt2.decode(gpt2.encode(text))).isEqualTo(text);
    }

    @Property
    void decodesTheBytesOfAnyIds(@ForAll("ids") int[] tokens) {
        byte[] expected = {};
        for (int token : tokens) {
            byte[] bytes = gpt2.bytesOf(token);
            int before = expected.length;
            expected = Arrays.copyOf(expected, before + bytes.length);
            System.arraycopy(bytes, 0, expected, before, bytes.length);
        }

        assertThat(gpt2.decodeBytes(tokens)).isEqualTo(expected);
        assertThat(gpt2.decode(tokens)).isEqualTo(new String(expected, StandardCharsets.UTF_8));
    }

    @Provide
    Arbitrary<int[]> ids() {
        return Arbitraries.integers().between(0, 50_256).array(int[].class).ofMaxSize(50);
    }

    @Test
    void replacesWhatIsNotUtf8() {
        int[] tokens = gpt2.encode("😀");

        assertThat(gpt2.decode(tokens[0])).isEqualTo("\uFFFD");
    }

    @ParameterizedTest
    @CsvSource({"-1", "50257", "2147483647"})
    void refusesIdsThatItDoesNotHave(int token) {
        assertThatThrownBy(() -> gpt2.decode(5, token))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("Token id " + token + " is not in the vocabulary, whose ids are 0 to 50256");
        assertThatThrownBy(() -> gpt2.bytesOf(token)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void takesSpecialTokensForTextUnlessAskedTo() {
        String text = "a<|endoftext|> <|endoftext|<|endoftext|>";

        assertThat(gpt2.encode("<|endoftext|>")).containsExactly(27, 91, 437, 1659, 5239, 91, 29);
        assertThat(gpt2.encodeWithSpecials("<|endoftext|>")).containsExactly(50_256);
        assertThat(gpt2.encodeWithSpecials(text)).containsExactly(64, 50_256, 1279, 91, 437, 1659, 5239, 91, 50_256);
        assertThat(gpt2.decode(gpt2.encodeWithSpecials(text))).isEqualTo(text);
    }

    @Test
    void prefersTheLongerOfTwoSpecialTokensThatBeginAlike() {
        BpeTokenizer tokenizer =
                new BpeTokenizer(Vocabulary.of(new int[0], new int[0], List.of("<|a|>", "<|a|><|b|>")));

        assertThat(tokenizer.encodeWithSpecials("<|a|><|b|><|a|>")).containsExactly(257, 256);
    }

    @Test
    void knowsItsSpecialTokens() {
        BpeTokenizer own = new BpeTrainer(300, SpecialTokens.ALL).train(BpeTrainer.ProgressListener.NONE);

        assertThat(own.specialTokens().keySet()).containsExactlyElementsOf(SpecialTokens.ALL);
        assertThat(own.specialToken(SpecialTokens.END_OF_TURN)).isEqualTo(OptionalInt.of(261));
        assertThat(gpt2.specialToken(SpecialTokens.PAD)).isEmpty();
    }

    @Test
    void saysSoWhenItHasNoEndOfText() {
        BpeTokenizer bare = new BpeTrainer(256, List.of()).train(BpeTrainer.ProgressListener.NONE);

        assertThatThrownBy(bare::endOfText)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("<|endoftext|>");
        assertThat(bare.encodeWithSpecials("<|endoftext|>")).isEqualTo(bare.encode("<|endoftext|>"));
    }

    static Stream<Arguments> loneSurrogates() {
        String part = "x".repeat(Pieces.PART - 1);
        return Stream.of(
                Arguments.of("\uD83D", 0, "U+D83D"),
                Arguments.of("\uDE00", 0, "U+DE00"),
                Arguments.of("ab\uD83Dcd", 2, "U+D83D"),
                Arguments.of("é\uDE00\uD83D", 1, "U+DE00"),
                Arguments.of("😀\uD83D\uD83D\uDE00", 2, "U+D83D"),
                Arguments.of(part + "\uD83D", Pieces.PART - 1, "U+D83D"),
                Arguments.of(part + "\uD83Dx", Pieces.PART - 1, "U+D83D"),
                Arguments.of(part + "x\uDE00", Pieces.PART, "U+DE00"),
                Arguments.of("a<|endoftext|>\uDE00", 14, "U+DE00"));
    }

    @ParameterizedTest
    @MethodSource("loneSurrogates")
    void refusesASurrogateWithoutItsPartner(String text, int position, String named) {
        assertThatThrownBy(() -> gpt2.encode(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll("Character " + position + " ", named);
        assertThatThrownBy(() -> gpt2.encodeWithSpecials(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll("Character " + position + " ", named);
        assertThatThrownBy(() -> gpt2.stream(new StringReader(text)).read(new int[text.length() + 1]))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll("Character " + position + " ", named);
    }

    @ParameterizedTest
    @CsvSource({"a, 1000000, 250000", "' ', 1000000, 1000000", "😀, 500000, 1000000", "ab, 500000, 500000"})
    @Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void encodesAMillionRepeatedCharacters(String repeated, int times, int expected) {
        // With a cost that grows with the square of the length this would take hours.
        String text = repeated.repeat(times);

        int[] tokens = gpt2.encode(text);

        assertThat(tokens).hasSize(expected);
        assertThat(gpt2.decode(tokens)).isEqualTo(text);
    }

    @Property
    void mergesLongAndShortPiecesAlike(@ForAll("words") String word) {
        byte[] piece = word.getBytes(StandardCharsets.US_ASCII);
        int[] byHeap = new int[piece.length];

        int count = new LongMerge(GPT2_MERGES, piece, 0, piece.length).run(byHeap, 0);

        assertThat(Arrays.copyOf(byHeap, count)).isEqualTo(gpt2.encode(word));
    }

    @Provide
    Arbitrary<String> words() {
        return Arbitraries.strings().withChars("aehintst").ofMinLength(1).ofMaxLength(64);
    }

    @Property(tries = 500)
    void streamsTheIdsOfTheWholeText(
            @ForAll String text,
            @ForAll @IntRange(min = 1, max = 50) int read,
            @ForAll @IntRange(min = 1, max = 50) int block)
            throws IOException {
        String longer = text.repeat(3);

        assertThat(streamed(new Trickle(longer, read), block)).isEqualTo(gpt2.encode(longer));
    }

    @Test
    void streamsATextOfManyParts() throws IOException {
        String text = Texts.VERSE.repeat(100) + " ".repeat(30_000) + "日本語".repeat(10_000);

        assertThat(streamed(new StringReader(text), 1000)).isEqualTo(gpt2.encode(text));
    }

    @Test
    void fillsEachBlockOfAStreamButTheLast() throws IOException {
        TokenStream stream = gpt2.stream(new StringReader("one two three four five"));
        int[] block = new int[3];

        assertThat(stream.read(block)).isEqualTo(3);
        assertThat(stream.read(block)).isEqualTo(2);
        assertThat(stream.read(block)).isEqualTo(-1);
        assertThat(stream.read(block)).isEqualTo(-1);
    }

    @Test
    void sharesItsWordCacheBetweenThreads() throws Exception {
        // Two hundred thousand words, three times what the cache holds, so that threads overwrite each other's.
        StringBuilder words = new StringBuilder();
        for (int i = 0; i < 200_000; i++) {
            words.append(' ').append(Integer.toString(i * 7919, 26).replaceAll("[0-9]", "xq"));
        }
        String text = words.toString();
        int[] expected = gpt2.encode(text);
        ExecutorService threads = Executors.newFixedThreadPool(4);
        try {
            List<Callable<int[]>> calls = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                calls.add(() -> gpt2.encode(text));
            }
            for (Future<int[]> tokens : threads.invokeAll(calls)) {
                assertThat(tokens.get()).isEqualTo(expected);
            }
        } finally {
            threads.shutdownNow();
            assertThat(threads.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(gpt2.decode(expected)).isEqualTo(text);
    }

    private int[] streamed(Reader text, int block) throws IOException {
        TokenStream stream = gpt2.stream(text);
        int[] tokens = new int[0];
        int[] into = new int[block];
        for (int count = stream.read(into); count >= 0; count = stream.read(into)) {
            tokens = Arrays.copyOf(tokens, tokens.length + count);
            System.arraycopy(into, 0, tokens, tokens.length - count, count);
        }
        return tokens;
    }

    /** A reader that gives a few characters at a time. */
    private static final class Trickle extends StringReader {
        private final int most;

        Trickle(String text, int most) {
            super(text);
            this.most = most;
        }

        @Override
        public int read(char[] into, int offset, int length) throws IOException {
            return super.read(into, offset, Math.min(length, most));
        }
    }
}

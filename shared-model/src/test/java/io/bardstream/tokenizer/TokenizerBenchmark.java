package io.bardstream.tokenizer;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import com.knuddels.jtokkit.Encodings;
import com.knuddels.jtokkit.api.Encoding;
import com.knuddels.jtokkit.api.EncodingType;
import com.knuddels.jtokkit.api.IntArrayList;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * How fast the tokenizer is beside its peers, on one thread. A text is 1.1 MB: tinyshakespeare from the file named by
 * the environment variable BARDSTREAM_TINYSHAKESPEARE, or made-up words that the word cache does not hold. Run with
 * <pre>
 * mvn -q -pl shared-model test-compile exec:exec -Dexec.classpathScope=test -Dexec.executable=java \
 *     -Dexec.args="-cp %classpath org.openjdk.jmh.Main TokenizerBenchmark"
 * </pre>
 * Milliseconds a call; MB/s is 1,115 over that.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(1)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
public class TokenizerBenchmark {

    private static final int BYTES = 1_115_394;

    private final BpeTokenizer gpt2 = BpeTokenizer.gpt2();
    private final Encoding jtokkit = Encodings.newLazyEncodingRegistry().getEncoding(EncodingType.R50K_BASE);
    private HuggingFaceTokenizer huggingFace;

    private String shakespeare;
    private int[] tokens;

    /**
     * Texts of made-up words, two million in all, taken in turn: when one comes round again the word cache, of 32,768
     * entries, has long forgotten it.
     */
    @State(Scope.Thread)
    public static class NewWords {

        private final String[] texts = new String[14];
        private int next;

        @Setup
        public void make() {
            Random random = new Random(1);
            for (int i = 0; i < texts.length; i++) {
                texts[i] = distinctWords(random);
            }
        }

        private static String distinctWords(Random random) {
            StringBuilder text = new StringBuilder(BYTES + 16);
            Set<String> made = new HashSet<>();
            while (text.length() < BYTES) {
                StringBuilder word = new StringBuilder(" ");
                int letters = 3 + random.nextInt(8);
                for (int i = 0; i < letters; i++) {
                    word.append((char) ('a' + random.nextInt(26)));
                }
                if (made.add(word.toString())) {
                    text.append(word);
                }
            }
            return text.toString();
        }

        String text() {
            next = (next + 1) % texts.length;
            return texts[next];
        }
    }

    @Setup
    public void read() throws IOException {
        String file = System.getenv("BARDSTREAM_TINYSHAKESPEARE");
        if (file == null) {
            throw new IllegalStateException("Set BARDSTREAM_TINYSHAKESPEARE to the file of tinyshakespeare");
        }
        shakespeare = Files.readString(Path.of(file));
        tokens = gpt2.encode(shakespeare);
        huggingFace = HuggingFaceTokenizer.newInstance(
                new ByteArrayInputStream(gpt2.toJson().getBytes(StandardCharsets.UTF_8)),
                Map.of("addSpecialTokens", "false", "truncation", "false"));
    }

    @Benchmark
    public int[] encodeWarm() {
        return gpt2.encode(shakespeare);
    }

    @Benchmark
    public int[] encodeNewWords(NewWords words) {
        return gpt2.encode(words.text());
    }

    @Benchmark
    public String decode() {
        return gpt2.decode(tokens);
    }

    @Benchmark
    public BpeTokenizer train4096() {
        BpeTrainer trainer = new BpeTrainer(4096, SpecialTokens.ALL);
        trainer.add(shakespeare);
        return trainer.train(BpeTrainer.ProgressListener.NONE);
    }

    @Benchmark
    public IntArrayList jtokkitEncodeWarm() {
        return jtokkit.encodeOrdinary(shakespeare);
    }

    @Benchmark
    public IntArrayList jtokkitEncodeNewWords(NewWords words) {
        return jtokkit.encodeOrdinary(words.text());
    }

    @Benchmark
    public long[] huggingFaceEncodeWarm() {
        return huggingFace.encode(shakespeare, false, false).getIds();
    }
}

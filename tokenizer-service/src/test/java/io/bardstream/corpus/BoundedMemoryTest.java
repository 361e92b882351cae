package io.bardstream.corpus;

import static org.assertj.core.api.Assertions.assertThat;

import io.bardstream.embedded.EmbeddedServices;
import io.bardstream.event.Dataset;
import io.bardstream.event.EventJson;
import io.bardstream.event.Topics;
import io.bardstream.tokenizer.BpeTokenizer;
import io.bardstream.tokenizer.BpeTrainer;
import io.bardstream.tokenizer.SpecialTokens;
import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.NewTopic;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Memory does not grow with the text: 200 MB pass through a process with 64 MB of heap. */
@Tag("acceptance")
class BoundedMemoryTest {
    private static final long CHARACTERS = 200_000_000;

    @Test
    void aLargeTextIsEmittedInASmallHeap() throws Exception {
        // Given
        String bootstrap = new EmbeddedServices().start().get("kafka.bootstrap.servers");
        try (Admin admin = Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap))) {
            admin.createTopics(List.of(new NewTopic(Topics.TOKEN_BATCHES.name(), 1, (short) 1)))
                    .all()
                    .get();
        }

        // When
        Process child = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx64m",
                        "-XX:+UseSerialGC",
                        "-cp",
                        System.getProperty("java.class.path"),
                        BoundedMemoryTest.class.getName(),
                        bootstrap)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        byte[] manifest = child.getInputStream().readAllBytes();

        // Then
        assertThat(child.waitFor()).isZero();
        Dataset dataset = EventJson.read(manifest, Dataset.class);
        assertThat(dataset.split("train").orElseThrow().bytes()).isEqualTo(CHARACTERS / 10 * 9);
        assertThat(dataset.split("validation").orElseThrow().bytes()).isEqualTo(CHARACTERS / 10);
    }

    /** The child: emits to the given broker and prints the manifest. */
    public static void main(String[] arguments) throws Exception {
        Corpus corpus = new Corpus();
        corpus.sha256 = "0".repeat(64);
        corpus.characters = CHARACTERS;
        corpus.bytes = CHARACTERS;
        BpeTrainer trainer = new BpeTrainer(1_024, SpecialTokens.ALL);
        trainer.add(new Letters(500_000));
        BpeTokenizer tokenizer = trainer.train(BpeTrainer.ProgressListener.NONE);
        try (TokenBatches batches = new TokenBatches(arguments[0], "/test")) {
            Dataset dataset = new TextEmission("dataset-large", corpus, "tokenizer-x", tokenizer, 0.1)
                    .emit(new Letters(CHARACTERS), batches, (bytes, tokens) -> {});
            System.out.println(new String(EventJson.write(dataset), StandardCharsets.UTF_8));
        }
    }

    /** Words of random letters, hardly one of them twice. */
    private static final class Letters extends Reader {
        private final Random random = new Random(17);
        private long remaining;

        Letters(long characters) {
            remaining = characters;
        }

        @Override
        public int read(char[] into, int offset, int length) {
            if (remaining == 0) {
                return -1;
            }
            int count = (int) Math.min(length, remaining);
            for (int i = 0; i < count; i++) {
                int letter = random.nextInt(32);
                into[offset + i] = letter < 26 ? (char) ('a' + letter) : ' ';
            }
            remaining -= count;
            return count;
        }

        @Override
        public void close() throws IOException {}
    }
}

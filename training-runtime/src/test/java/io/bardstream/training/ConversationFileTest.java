package io.bardstream.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bardstream.embedded.EmbeddedServices;
import io.bardstream.event.Dataset;
import io.bardstream.event.Dataset.Split;
import io.bardstream.event.InvalidFieldException;
import io.bardstream.tokenizer.ChatFormat.Rendered;
import io.bardstream.training.PublishedInstructions.Pair;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Conversations read back from blocks that came in the wrong order. */
@QuarkusTest
@WithTestResource(EmbeddedServices.class)
class ConversationFileTest {
    @Inject
    TokenFiles files;

    @ConfigProperty(name = "kafka.bootstrap.servers")
    String kafka;

    private PublishedCorpus corpus;
    private PublishedInstructions instructions;
    private Dataset dataset;

    @BeforeEach
    void publish() {
        corpus = new PublishedCorpus(kafka, "How now? Who calls? Nay, answer me. ".repeat(20), 290);
        instructions = new PublishedInstructions(corpus);
        List<Pair> pairs = IntStream.range(0, 9)
                .mapToObj(i -> new Pair("Who calls, " + i + "?", "Nay, " + "answer me. ".repeat(i) + i))
                .toList();
        dataset = instructions.publish(pairs, pairs.subList(0, 2));
    }

    @AfterEach
    void close() {
        corpus.close();
    }

    @Test
    void conversationsComeBackInOrderWithWhatIsTrained() throws Exception {
        ConversationFile train = open(Split.TRAIN);

        assertThat(train.count()).isEqualTo(9);
        for (int i = 0; i < 9; i++) {
            Rendered one = train.get(i);
            assertThat(one.tokens()).hasSize(train.length(i));
            assertThat(instructions.bpe().decode(one.tokens()))
                    .isEqualTo("<|user|>Who calls, " + i + "?<|endofturn|><|assistant|>Nay, " + "answer me. ".repeat(i)
                            + i + "<|endofturn|>");
            int[] trained = one.trained().stream().map(at -> one.tokens()[at]).toArray();
            assertThat(instructions.bpe().decode(trained))
                    .isEqualTo("Nay, " + "answer me. ".repeat(i) + i + "<|endofturn|>");
        }
        assertThat(open(Split.VALIDATION).count()).isEqualTo(2);
    }

    @Test
    void aDamagedOutlineIsMadeAgain() throws Exception {
        ConversationFile first = open(Split.TRAIN);
        Path outline =
                first.tokens().path().resolveSibling(first.tokens().path().getFileName() + ".conversations");
        byte[] whole = Files.readAllBytes(outline);
        byte[] damaged = whole.clone();
        damaged[7] ^= 1;
        Files.write(outline, damaged);

        open(Split.TRAIN);

        assertThat(outline).hasBinaryContent(whole);
    }

    @Test
    void cutBehindItsEndADatasetIsWhatItWas() throws Exception {
        Dataset cut = files.before(Long.MAX_VALUE, dataset, instructions.bpe(), () -> false);

        assertThat(cut.splits()).isEqualTo(dataset.splits());
    }

    @Test
    void aTextHasNoConversations() {
        Dataset text = corpus.publishBlocks(100);

        assertThatThrownBy(() -> ConversationFile.of(files.open(text, Split.TRAIN, () -> false), text, Split.TRAIN))
                .isInstanceOf(InvalidFieldException.class)
                .hasMessageContaining("is of kind pretrain");
    }

    private ConversationFile open(String split) throws IOException, InterruptedException {
        return ConversationFile.of(files.open(dataset, split, () -> false), dataset, split);
    }
}

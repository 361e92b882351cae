package io.bardstream.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bardstream.embedded.EmbeddedServices;
import io.bardstream.event.Dataset;
import io.bardstream.event.Dataset.Range;
import io.bardstream.event.Dataset.Split;
import io.bardstream.event.TokenBlock;
import io.bardstream.event.Topics;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Splits are made from the records their manifest names, whatever else lies between them, or not at all. */
@QuarkusTest
@WithTestResource(EmbeddedServices.class)
class TokenFilesTest {
    private static final String TEXT = "To be, or not to be, that is the question: ".repeat(40);

    @Inject
    TokenFiles files;

    @ConfigProperty(name = "kafka.bootstrap.servers")
    String kafka;

    private PublishedCorpus corpus;

    @BeforeEach
    void corpus() {
        corpus = new PublishedCorpus(kafka, TEXT, 300);
    }

    @AfterEach
    void close() {
        corpus.close();
    }

    @Test
    void readsBlocksInTheirOrderWhateverTheirPlace() throws Exception {
        // Given blocks that came in another order, one twice, among records of another split and another dataset
        List<TokenBlock> blocks = corpus.blocks(Split.TRAIN, TEXT, 100);
        List<RecordMetadata> sent = new ArrayList<>();
        try (PublishedCorpus other = new PublishedCorpus(kafka, "Now is the winter of our discontent", 270)) {
            for (int i = blocks.size() - 1; i >= 0; i--) {
                sent.add(corpus.send(blocks.get(i)));
                TokenBlock foreign =
                        other.blocks(Split.TRAIN, "Now is the winter", 100).get(0);
                corpus.send(new ProducerRecord<>(
                        Topics.TOKEN_BATCHES.name(), sent.get(0).partition(), "other", foreign));
            }
        }
        sent.add(corpus.send(blocks.get(0)));
        corpus.send(corpus.blocks(Split.VALIDATION, "another split", 100).get(0));
        Dataset dataset =
                corpus.manifest(corpus.split(Split.TRAIN, TEXT, blocks, sent.get(0), sent.get(sent.size() - 1)));

        // When the split is opened
        TokenFile tokens = files.open(dataset, Split.TRAIN, () -> false);

        // Then it holds the text's tokens in order
        int[] expected = corpus.bpe().encode(TEXT);
        assertThat(tokens.size()).isEqualTo(expected.length);
        int[] read = new int[expected.length];
        tokens.copy(0, read);
        assertThat(read).isEqualTo(expected);
        int[] some = new int[7];
        tokens.copy(95, some);
        assertThat(corpus.bpe().decode(some)).isEqualTo(corpus.bpe().decode(Arrays.copyOfRange(expected, 95, 102)));
    }

    @Test
    void makesADeletedOrDamagedFileAgain() throws Exception {
        // Given a split that was made
        Dataset dataset = corpus.publishBlocks(100);
        TokenFile first = files.open(dataset, Split.TRAIN, () -> false);
        byte[] content = Files.readAllBytes(first.path());

        // When the file is deleted, and then damaged
        Files.delete(first.path());
        byte[] again =
                Files.readAllBytes(files.open(dataset, Split.TRAIN, () -> false).path());
        byte[] damaged = content.clone();
        damaged[3] ^= 1;
        Files.write(first.path(), damaged);
        byte[] mended =
                Files.readAllBytes(files.open(dataset, Split.TRAIN, () -> false).path());

        // Then it is the same file each time
        assertThat(again).isEqualTo(content);
        assertThat(mended).isEqualTo(content);
    }

    @Test
    void aDamagedBlockIsNamedByItsPlace() {
        // Given a split whose second block was altered after its hash was made
        List<TokenBlock> blocks = corpus.blocks(Split.TRAIN, TEXT, 100);
        RecordMetadata first = corpus.send(blocks.get(0));
        byte[] value = blocks.get(1).value();
        ProducerRecord<String, Object> damaged =
                new ProducerRecord<>(Topics.TOKEN_BATCHES.name(), first.partition(), corpus.id(), flipped(value));
        blocks.get(1).headers(value).forEach((name, header) -> damaged.headers().add(name, header));
        RecordMetadata second = corpus.send(damaged);
        Dataset dataset = corpus.manifest(corpus.split(Split.TRAIN, TEXT, blocks, first, second));

        // When the split is opened, then the error names topic, partition, offset and what is wrong
        assertThatThrownBy(() -> files.open(dataset, Split.TRAIN, () -> false))
                .isInstanceOf(DatasetException.class)
                .hasMessageContaining("token-batches, partition " + second.partition() + ", offset " + second.offset())
                .hasMessageContaining("content-sha256");
    }

    @Test
    void aMissingBlockIsNamed() {
        // Given a split of which one block was never sent
        List<TokenBlock> blocks = corpus.blocks(Split.TRAIN, TEXT, 100);
        RecordMetadata first = corpus.send(blocks.get(0));
        RecordMetadata last = corpus.send(blocks.get(2));
        Dataset dataset = corpus.manifest(corpus.split(Split.TRAIN, TEXT, blocks, first, last));

        // When the split is opened, then the error names the block and the ranges
        assertThatThrownBy(() -> files.open(dataset, Split.TRAIN, () -> false))
                .isInstanceOf(DatasetException.class)
                .hasMessageContaining("block 1 of " + blocks.size())
                .hasMessageContaining("[%d, %d)".formatted(first.offset(), last.offset() + 1));
    }

    @Test
    void aRangeBeyondTheEndOfThePartitionIsAnErrorNotAWait() {
        // Given a manifest that names more records than the partition has
        List<TokenBlock> blocks = corpus.blocks(Split.TRAIN, TEXT, 100);
        RecordMetadata first = corpus.send(blocks.get(0));
        Split split = corpus.split(Split.TRAIN, TEXT, blocks, first, first);
        Dataset dataset = corpus.manifest(new Split(
                split.name(),
                split.tokens(),
                split.bytes(),
                split.blocks(),
                split.sha256(),
                List.of(new Range(first.topic(), first.partition(), first.offset(), first.offset() + 1_000_000))));

        // When the split is opened, then the error says where the partition ends
        assertThatThrownBy(() -> files.open(dataset, Split.TRAIN, () -> false))
                .isInstanceOf(DatasetException.class)
                .hasMessageContaining("ends at offset " + (first.offset() + 1));
    }

    @Test
    void rangesThatAreNotThereAreNamedWithoutReadingThem() throws Exception {
        // Given a dataset, and one that claims more than there is
        Dataset dataset = corpus.publishBlocks(100);
        assertThat(files.missing(dataset)).isEmpty();
        Split train = dataset.split(Split.TRAIN).orElseThrow();
        Range range = train.ranges().get(0);
        Range beyond = new Range(range.topic(), range.partition(), range.start(), range.end() + 1_000_000);
        Dataset claiming = corpus.manifest(new Split(
                train.name(), train.tokens(), train.bytes(), train.blocks(), train.sha256(), List.of(beyond)));

        // When its first record is removed, as retention would
        try (Admin broker = Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, kafka))) {
            broker.deleteRecords(Map.of(
                            new TopicPartition(range.topic(), range.partition()),
                            RecordsToDelete.beforeOffset(range.start() + 1)))
                    .all()
                    .get();
        }

        // Then each is named with the reason
        assertThat(files.missing(dataset))
                .containsExactly("token-batches-%d [%d, %d) of split train: the partition now begins at offset %d"
                        .formatted(range.partition(), range.start(), range.end(), range.start() + 1));
        assertThat(files.missing(claiming)).hasSize(1);
    }

    @Test
    void tokensThatAreNotTheManifestsAreRefused() {
        // Given blocks that are sound but of another text than the manifest's sha256
        String other = TEXT.replace("question", "suggestion");
        List<TokenBlock> blocks = corpus.blocks(Split.TRAIN, other, TokenBlock.MAX_TOKENS);
        RecordMetadata sent = corpus.send(blocks.get(0));
        Dataset dataset = corpus.manifest(corpus.split(Split.TRAIN, TEXT, blocks, sent, sent));

        // When the split is opened, then the error names both sums
        assertThatThrownBy(() -> files.open(dataset, Split.TRAIN, () -> false))
                .isInstanceOf(DatasetException.class)
                .hasMessageContaining(
                        "its manifest says " + dataset.splits().get(0).sha256());
    }

    private static byte[] flipped(byte[] value) {
        byte[] copy = value.clone();
        copy[0] ^= 1;
        return copy;
    }
}

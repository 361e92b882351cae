package io.bardstream.training;

import io.bardstream.event.Dataset;
import io.bardstream.event.Dataset.Range;
import io.bardstream.event.Dataset.Split;
import io.bardstream.event.DatasetKind;
import io.bardstream.event.Ids;
import io.bardstream.event.TokenBlock;
import io.bardstream.event.TokenizerPublished;
import io.bardstream.event.Topics;
import io.bardstream.service.EventSerializer;
import io.bardstream.tokenizer.BpeTokenizer;
import io.bardstream.tokenizer.BpeTrainer;
import io.bardstream.tokenizer.SpecialTokens;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.StringSerializer;

/** A corpus on the topics, as tokenizer-service puts it there: blocks, tokenizer, manifest. For tests. */
public final class PublishedCorpus implements AutoCloseable {
    private final KafkaProducer<String, Object> producer;
    private final String id = Ids.of("dataset", UUID.randomUUID());
    private final BpeTokenizer bpe;
    private final TokenizerPublished tokenizer;
    private final String text;

    public PublishedCorpus(String bootstrapServers, String text, int vocabularySize) {
        this(bootstrapServers, text, vocabularySize, SpecialTokens.ALL);
    }

    /** One whose vocabulary may lack tokens for turns, as GPT-2's does. */
    public PublishedCorpus(String bootstrapServers, String text, int vocabularySize, List<String> specials) {
        this.producer = new KafkaProducer<>(
                Map.of(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrapServers),
                new StringSerializer(),
                new EventSerializer());
        this.text = text;
        BpeTrainer trainer = new BpeTrainer(vocabularySize, specials);
        trainer.add(text);
        this.bpe = trainer.train((merges, wanted) -> {});
        this.tokenizer = new TokenizerPublished(
                "tokenizer-" + id,
                "test",
                bpe.sha256(),
                bpe.vocabularySize(),
                bpe.specialTokens(),
                bpe.sha256(),
                bpe.toJson(),
                Instant.now());
    }

    public String id() {
        return id;
    }

    public BpeTokenizer bpe() {
        return bpe;
    }

    public TokenizerPublished tokenizer() {
        return tokenizer;
    }

    /** The blocks of a part of the text. */
    public List<TokenBlock> blocks(String split, String part, int blockTokens) {
        int[] tokens = bpe.encode(part);
        List<TokenBlock> blocks = new ArrayList<>();
        for (int start = 0; start < tokens.length; start += blockTokens) {
            int[] some = Arrays.copyOfRange(tokens, start, Math.min(tokens.length, start + blockTokens));
            blocks.add(new TokenBlock(
                    id,
                    split,
                    blocks.size(),
                    bpe.sha256(),
                    false,
                    some,
                    start == 0 ? new int[] {0} : new int[0],
                    null));
        }
        return blocks;
    }

    /** Sends one block and says where it lies. */
    public RecordMetadata send(TokenBlock block) {
        return send(Topics.TOKEN_BATCHES.name(), block.dataset(), block);
    }

    public RecordMetadata send(String topic, String key, Object value) {
        try {
            return producer.send(new ProducerRecord<>(topic, key, value)).get();
        } catch (InterruptedException | ExecutionException e) {
            throw new IllegalStateException("cannot send to " + topic, e);
        }
    }

    public RecordMetadata send(ProducerRecord<String, Object> record) {
        try {
            return producer.send(record).get();
        } catch (InterruptedException | ExecutionException e) {
            throw new IllegalStateException("cannot send to " + record.topic(), e);
        }
    }

    /** The manifest entry of blocks that were sent, in whatever order, within these records. */
    public Split split(String name, String part, List<TokenBlock> blocks, RecordMetadata first, RecordMetadata last) {
        int[] tokens = bpe.encode(part);
        ByteBuffer ids = ByteBuffer.allocate(2 * tokens.length).order(ByteOrder.LITTLE_ENDIAN);
        for (int token : tokens) {
            ids.putShort((short) token);
        }
        return new Split(
                name,
                tokens.length,
                part.getBytes(StandardCharsets.UTF_8).length,
                blocks.size(),
                HexFormat.of().formatHex(Ids.sha256().digest(ids.array())),
                List.of(new Range(first.topic(), first.partition(), first.offset(), last.offset() + 1)));
    }

    public Dataset manifest(Split... splits) {
        return new Dataset(
                id,
                DatasetKind.PRETRAIN,
                Ids.sha256(text.getBytes(StandardCharsets.UTF_8)),
                tokenizer.id(),
                tokenizer.sha256(),
                bpe.vocabularySize(),
                List.of(splits),
                Instant.now());
    }

    /** Sends the blocks of a split in their order. */
    public Split publishSplit(String name, String part, int blockTokens) {
        List<TokenBlock> blocks = blocks(name, part, blockTokens);
        List<RecordMetadata> sent = blocks.stream().map(this::send).toList();
        return split(name, part, blocks, sent.get(0), sent.get(sent.size() - 1));
    }

    /** Sends the blocks of both splits, nine tenths of the text to train. */
    public Dataset publishBlocks(int blockTokens) {
        int cut = text.length() * 9 / 10;
        return manifest(
                publishSplit(Split.TRAIN, text.substring(0, cut), blockTokens),
                publishSplit(Split.VALIDATION, text.substring(cut), blockTokens));
    }

    /** Sends everything: blocks, tokenizer, manifest. */
    public Dataset publish(int blockTokens) {
        Dataset dataset = publishBlocks(blockTokens);
        announce(dataset);
        return dataset;
    }

    /** Sends tokenizer and manifest. */
    public void announce(Dataset dataset) {
        send(Topics.TOKENIZERS.name(), tokenizer.id(), tokenizer);
        send(Topics.DATASETS.name(), dataset.id(), dataset);
    }

    @Override
    public void close() {
        producer.close();
    }
}

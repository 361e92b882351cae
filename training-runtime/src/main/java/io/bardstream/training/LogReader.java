package io.bardstream.training;

import io.bardstream.event.Dataset;
import io.bardstream.event.EventJson;
import io.bardstream.event.Ids;
import io.bardstream.event.TokenizerPublished;
import io.bardstream.event.Topics;
import io.bardstream.event.Topics.Topic;
import io.smallrye.common.annotation.Identifier;
import jakarta.enterprise.context.ApplicationScoped;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.jboss.logging.Logger;

/**
 * Reads the log itself rather than the tables made of it: what a replay is made from. An error names topic, partition and
 * offset.
 */
@ApplicationScoped
public class LogReader {
    private static final Logger LOG = Logger.getLogger(LogReader.class);
    private static final Duration POLL = Duration.ofMillis(500);

    /** How long the broker holds back an answer that is empty; closing a consumer waits for it. */
    private static final int WAIT_AT_THE_END_MS = 20;

    private final Map<String, Object> kafka;

    LogReader(@Identifier("default-kafka-broker") Map<String, Object> kafka) {
        this.kafka = kafka;
    }

    /** A consumer of no group, which fails where there is nothing at a position. */
    public Consumer<byte[], byte[]> consumer() {
        Map<String, Object> settings = new HashMap<>(kafka);
        settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "none");
        settings.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, "false");
        settings.put(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, "false");
        settings.put(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG, 16 << 20);
        settings.put(ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG, WAIT_AT_THE_END_MS);
        settings.remove(ConsumerConfig.GROUP_ID_CONFIG);
        return new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    /**
     * A dataset's tokenizer as it stands on its topic.
     *
     * @param known as it was when it was first published
     * @throws DatasetException where it is gone, or is another
     */
    TokenizerPublished tokenizer(Dataset dataset, TokenizerPublished known, BooleanSupplier interrupted)
            throws DatasetException, InterruptedException {
        Found<TokenizerPublished> found = newest(Topics.TOKENIZERS, known.id(), dataset.id(), interrupted);
        String sha256 = Ids.sha256(found.value().json().getBytes(StandardCharsets.UTF_8));
        if (!sha256.equals(known.sha256())) {
            throw new DatasetException("dataset %s: the record at %s is another tokenizer '%s': sha256 %s, not %s"
                    .formatted(dataset.id(), found.place(), known.id(), sha256, known.sha256()));
        }
        return found.value();
    }

    /**
     * Checks that the manifest on its topic describes the tokens of the known one. A dataset that was emitted again lies at
     * other offsets; its tokens are the same, and so those of the first emission still count.
     *
     * @throws DatasetException where the manifest is gone, or is of other tokens
     */
    void checkManifest(Dataset known, BooleanSupplier interrupted) throws DatasetException, InterruptedException {
        Found<Dataset> found = newest(Topics.DATASETS, known.id(), known.id(), interrupted);
        if (!found.value().sameTokens(known)) {
            throw new DatasetException(
                    "dataset %s: the manifest at %s is not the one that was trained on: its splits are %s, those were %s"
                            .formatted(known.id(), found.place(), sums(found.value()), sums(known)));
        }
    }

    private static String sums(Dataset dataset) {
        return String.join(
                ", ",
                dataset.splits().stream()
                        .map(split -> split.name() + " " + split.sha256())
                        .toList());
    }

    /** The first offset of a partition whose record came at a time or after it; the partition's end where none did. */
    long offsetAt(TopicPartition partition, Instant time) {
        try (Consumer<byte[], byte[]> consumer = consumer()) {
            var found = consumer.offsetsForTimes(Map.of(partition, time.toEpochMilli()))
                    .get(partition);
            return found != null
                    ? found.offset()
                    : consumer.endOffsets(List.of(partition)).get(partition);
        }
    }

    private record Found<T>(T value, String place) {}

    /** The newest record of a key on a topic of one partition, which is read from its beginning to its end. */
    private <T> Found<T> newest(Topic<T> topic, String key, String dataset, BooleanSupplier interrupted)
            throws DatasetException, InterruptedException {
        while (true) {
            try (Consumer<byte[], byte[]> consumer = consumer()) {
                return newest(consumer, topic, key, dataset, interrupted);
            } catch (RetriableException e) {
                LOG.warnf("Waiting for topic %s: %s", topic.name(), e.getMessage());
            }
        }
    }

    private static <T> Found<T> newest(
            Consumer<byte[], byte[]> consumer, Topic<T> topic, String key, String dataset, BooleanSupplier interrupted)
            throws DatasetException, InterruptedException {
        TopicPartition partition = new TopicPartition(topic.name(), 0);
        List<TopicPartition> whole = List.of(partition);
        consumer.assign(whole);
        long begin = consumer.beginningOffsets(whole).get(partition);
        long end = consumer.endOffsets(whole).get(partition);
        consumer.seek(partition, begin);
        byte[] wanted = key.getBytes(StandardCharsets.UTF_8);
        ConsumerRecord<byte[], byte[]> newest = null;
        while (consumer.position(partition) < end) {
            if (interrupted.getAsBoolean()) {
                throw new InterruptedException("reading " + topic.name() + " was interrupted");
            }
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
                newest = Arrays.equals(record.key(), wanted) ? record : newest;
            }
        }
        if (newest == null || newest.value() == null) {
            throw new DatasetException("dataset %s: '%s' is gone: topic %s, partition 0 has no record of it %s"
                    .formatted(
                            dataset,
                            key,
                            topic.name(),
                            newest == null
                                    ? "at the offsets [" + begin + ", " + end + ")"
                                    : "any more, it was removed at offset " + newest.offset()));
        }
        String place = "topic %s, partition 0, offset %d".formatted(topic.name(), newest.offset());
        try {
            return new Found<>(EventJson.read(newest.value(), topic.value()), place);
        } catch (RuntimeException e) {
            throw new DatasetException(
                    "dataset %s: the record at %s is damaged: %s".formatted(dataset, place, e.getMessage()));
        }
    }
}

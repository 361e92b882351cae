package io.bardstream.corpus;

import io.bardstream.event.Dataset.Range;
import io.bardstream.event.TokenBlock;
import io.bardstream.event.Topics;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Sends the blocks of one dataset to {@code token-batches}, in order, each acknowledged by all replicas and none written
 * twice by a retry. All have one key, so all lie in one partition. At most {@link #UNACKNOWLEDGED_BYTES} wait for the broker;
 * then {@link #send} blocks.
 *
 * <p>A producer of its own and not a channel, since the manifest names the offsets at which the broker put the blocks.
 */
final class TokenBatches implements AutoCloseable {
    private static final int UNACKNOWLEDGED_BYTES = 16 << 20;

    private final String source;
    private final KafkaProducer<String, byte[]> producer;
    private final List<Future<RecordMetadata>> sent = new ArrayList<>();
    private final AtomicReference<Exception> failure = new AtomicReference<>();

    /** @param source says who writes, as a CloudEvents source */
    TokenBatches(String bootstrapServers, String source) {
        this.source = source;
        Map<String, Object> settings = new HashMap<>();
        settings.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrapServers);
        settings.put(ProducerConfig.ACKS_CONFIG, "all");
        settings.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, true);
        settings.put(ProducerConfig.BUFFER_MEMORY_CONFIG, UNACKNOWLEDGED_BYTES);
        settings.put(ProducerConfig.MAX_REQUEST_SIZE_CONFIG, Topics.TOKEN_BATCHES.maxRecordBytes());
        producer = new KafkaProducer<>(settings, new StringSerializer(), new ByteArraySerializer());
    }

    /**
     * Sends a block; returns before it is acknowledged.
     *
     * @throws KafkaException if this block or an earlier one cannot be written
     */
    void send(TokenBlock block, byte[] value) {
        throwFailure();
        ProducerRecord<String, byte[]> record =
                new ProducerRecord<>(Topics.TOKEN_BATCHES.name(), block.dataset(), value);
        block.headers(value).forEach(record.headers()::add);
        cloudEvent(block).forEach((name, text) -> record.headers().add(name, text.getBytes(StandardCharsets.UTF_8)));
        sent.add(producer.send(record, (metadata, exception) -> {
            if (exception != null) {
                failure.compareAndSet(null, exception);
            }
        }));
    }

    /** Waits until what was sent is acknowledged or has failed. */
    void flush() {
        producer.flush();
    }

    /**
     * Waits until all blocks sent since the last call are acknowledged.
     *
     * @return where they lie; records of others may lie between them
     */
    List<Range> acknowledged() throws InterruptedException {
        List<Range> ranges = new ArrayList<>();
        for (Future<RecordMetadata> block : sent) {
            try {
                append(ranges, block.get());
            } catch (ExecutionException e) {
                failure.compareAndSet(null, e);
                throwFailure();
            }
        }
        sent.clear();
        return ranges;
    }

    private Map<String, String> cloudEvent(TokenBlock block) {
        return Map.of(
                "ce_specversion",
                "1.0",
                "ce_id",
                block.dataset() + "/" + block.split() + "/" + block.block(),
                "ce_source",
                source,
                "ce_type",
                "io.bardstream." + Topics.TOKEN_BATCHES.name(),
                "ce_time",
                Instant.now().toString());
    }

    /** One range as long as offsets rise in one partition. */
    private static void append(List<Range> ranges, RecordMetadata block) {
        Range last = ranges.isEmpty() ? null : ranges.get(ranges.size() - 1);
        if (last != null && last.partition() == block.partition() && last.end() <= block.offset()) {
            ranges.set(ranges.size() - 1, new Range(last.topic(), last.partition(), last.start(), block.offset() + 1));
        } else {
            ranges.add(new Range(block.topic(), block.partition(), block.offset(), block.offset() + 1));
        }
    }

    private void throwFailure() {
        Exception cause = failure.get();
        if (cause instanceof ExecutionException && cause.getCause() instanceof Exception inner) {
            cause = inner;
        }
        if (cause instanceof KafkaException kafka) {
            throw kafka;
        }
        if (cause != null) {
            throw new KafkaException("a block could not be written", cause);
        }
    }

    @Override
    public void close() {
        producer.close(Duration.ofSeconds(5));
    }
}

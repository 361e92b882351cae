package io.bardstream.training;

import io.bardstream.event.Dataset.Range;
import java.time.Duration;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TimeoutException;
import org.jboss.logging.Logger;

/** The records of one range, some at a time; its end is known by position, since not every offset holds a record. */
final class RangeReader {
    private static final Logger LOG = Logger.getLogger(RangeReader.class);
    private static final Duration POLL = Duration.ofMillis(500);
    private static final Duration SILENCE = Duration.ofSeconds(30);

    private final Consumer<byte[], byte[]> consumer;
    private final Range range;
    private final TopicPartition partition;
    private final BooleanSupplier interrupted;

    RangeReader(Consumer<byte[], byte[]> consumer, Range range, BooleanSupplier interrupted) {
        this.consumer = consumer;
        this.range = range;
        this.partition = new TopicPartition(range.topic(), range.partition());
        this.interrupted = interrupted;
        consumer.assign(List.of(partition));
        consumer.seek(partition, range.start());
    }

    /** The next records, empty at the range's end. */
    List<ConsumerRecord<byte[], byte[]>> next() throws DatasetException, InterruptedException {
        long silentSince = System.nanoTime();
        while (consumer.position(partition) < range.end()) {
            if (interrupted.getAsBoolean()) {
                throw new InterruptedException("reading " + TokenFiles.where(range) + " was interrupted");
            }
            List<ConsumerRecord<byte[], byte[]>> some;
            try {
                some = consumer.poll(POLL).records(partition).stream()
                        .filter(record -> record.offset() < range.end())
                        .toList();
            } catch (OffsetOutOfRangeException e) {
                throw outOfRange();
            }
            if (!some.isEmpty()) {
                return some;
            }
            checkEnd();
            if (System.nanoTime() - silentSince > SILENCE.toNanos()) {
                LOG.warnf("Waiting for %s from offset %d", TokenFiles.where(range), consumer.position(partition));
                silentSince = System.nanoTime();
            }
        }
        return List.of();
    }

    private DatasetException outOfRange() {
        long position = consumer.position(partition);
        long begin = consumer.beginningOffsets(List.of(partition)).get(partition);
        return new DatasetException(
                position < begin
                        ? "topic %s, partition %d begins at offset %d now: the records from offset %d on, which the manifest names, were removed by retention or by hand"
                                .formatted(range.topic(), range.partition(), begin, position)
                        : "topic %s, partition %d has no offset %d: the broker has lost records, or is not the one the dataset was written to"
                                .formatted(range.topic(), range.partition(), position));
    }

    private void checkEnd() throws DatasetException {
        try {
            long end = consumer.endOffsets(List.of(partition), POLL).get(partition);
            if (end < range.end()) {
                throw new DatasetException(
                        "topic %s, partition %d ends at offset %d, the manifest names offsets up to %d: the broker has lost records, or is not the one the dataset was written to"
                                .formatted(range.topic(), range.partition(), end, range.end()));
            }
        } catch (TimeoutException e) {
            LOG.debugf(e, "The broker does not answer");
        }
    }
}

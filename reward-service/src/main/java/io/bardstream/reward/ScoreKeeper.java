package io.bardstream.reward;

import io.bardstream.event.Checkpoint;
import io.bardstream.event.EventJson;
import io.bardstream.event.Generation;
import io.bardstream.event.GenerationRequest.Format;
import io.bardstream.event.Score;
import io.bardstream.event.Topics;
import io.bardstream.training.LogReader;
import io.quarkus.scheduler.Scheduled;
import io.smallrye.reactive.messaging.kafka.Record;
import jakarta.enterprise.context.ApplicationScoped;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.eclipse.microprofile.reactive.messaging.Channel;
import org.eclipse.microprofile.reactive.messaging.Emitter;
import org.jboss.logging.Logger;

/**
 * Lets the judge score every stored generation in its vocabulary, and those that come: a record of {@code scores} each. A new
 * judge begins with the first generation. What is scored stands in a table with the offset that comes next, written when the
 * broker has acknowledged the scores, so after a crash some are published twice.
 */
@ApplicationScoped
class ScoreKeeper {
    private static final Logger LOG = Logger.getLogger(ScoreKeeper.class);
    private static final Duration POLL = Duration.ofMillis(500);
    private static final Duration ANSWER = Duration.ofSeconds(10);
    private static final int SECONDS_TO_ACKNOWLEDGE = 30;

    private final RewardModels models;
    private final Scores scores;
    private final LogReader log;
    private final Emitter<Record<String, Score>> published;

    ScoreKeeper(
            RewardModels models,
            Scores scores,
            LogReader log,
            @Channel("scores-out") Emitter<Record<String, Score>> published) {
        this.models = models;
        this.scores = scores;
        this.log = log;
        this.published = published;
    }

    @Scheduled(
            every = "2s",
            concurrentExecution = Scheduled.ConcurrentExecution.SKIP,
            skipExecutionIf = Scheduled.ApplicationNotRunning.class)
    void look() throws InterruptedException {
        Optional<Checkpoint> judge = models.judge();
        if (judge.isEmpty()) {
            return;
        }
        try (Consumer<byte[], byte[]> generations = log.consumer()) {
            score(judge.get(), generations);
        } catch (KafkaException | IOException | ExecutionException | TimeoutException e) {
            LOG.warnf("Generations are not scored now (%s); next try in 2 s", e.getMessage());
        }
    }

    private void score(Checkpoint judge, Consumer<byte[], byte[]> generations)
            throws IOException, InterruptedException, ExecutionException, TimeoutException {
        List<TopicPartition> partitions = IntStream.range(0, Topics.GENERATIONS.partitions())
                .mapToObj(partition -> new TopicPartition(Topics.GENERATIONS.name(), partition))
                .toList();
        generations.assign(partitions);
        Map<TopicPartition, Long> begins = generations.beginningOffsets(partitions, ANSWER);
        Map<TopicPartition, Long> ends = generations.endOffsets(partitions, ANSWER);
        for (TopicPartition partition : partitions) {
            long next = scores.next(judge.id(), partition.partition());
            generations.seek(partition, Math.max(next, begins.get(partition)));
        }
        while (partitions.stream().anyMatch(partition -> generations.position(partition) < ends.get(partition))) {
            take(judge, generations.poll(POLL));
            for (TopicPartition partition : partitions) {
                scores.next(judge.id(), partition.partition(), generations.position(partition));
            }
        }
    }

    private void take(Checkpoint judge, ConsumerRecords<byte[], byte[]> records)
            throws IOException, InterruptedException, ExecutionException, TimeoutException {
        List<Generation> fitting = new ArrayList<>();
        for (ConsumerRecord<byte[], byte[]> record : records) {
            generation(record)
                    .filter(each -> each.tokenizerSha256().equals(judge.tokenizerSha256()))
                    .ifPresent(fitting::add);
        }
        if (fitting.isEmpty()) {
            return;
        }
        double[] rewards = models.rewards(
                judge,
                fitting.stream()
                        .map(each -> new RewardModels.Text(
                                each.prompt(), each.format() == null ? Format.RAW : each.format(), each.text()))
                        .toList());
        List<CompletableFuture<Void>> sent = new ArrayList<>();
        for (int i = 0; i < rewards.length; i++) {
            Generation generation = fitting.get(i);
            if (!Double.isNaN(rewards[i])) {
                Score score = new Score(generation.id(), judge.id(), rewards[i], Instant.now());
                sent.add(published.send(Record.of(generation.id(), score)).toCompletableFuture());
            }
        }
        CompletableFuture.allOf(sent.toArray(CompletableFuture[]::new)).get(SECONDS_TO_ACKNOWLEDGE, TimeUnit.SECONDS);
        for (int i = 0; i < rewards.length; i++) {
            if (!Double.isNaN(rewards[i])) {
                scores.store(judge.id(), fitting.get(i), rewards[i]);
            }
        }
    }

    /** A generation with a text; nothing where it was erased, or is none. */
    private static Optional<Generation> generation(ConsumerRecord<byte[], byte[]> record) {
        if (record.value() == null) {
            return Optional.empty();
        }
        try {
            return Optional.of(EventJson.read(record.value(), Generation.class))
                    .filter(generation ->
                            !generation.prompt().isEmpty() || !generation.text().isEmpty());
        } catch (RuntimeException e) {
            LOG.debugf("Offset %d of %s is no generation: %s", record.offset(), record.topic(), e.getMessage());
            return Optional.empty();
        }
    }
}

package io.bardstream.training;

import io.bardstream.event.Dataset;
import io.bardstream.event.Dataset.Range;
import io.bardstream.event.Dataset.Split;
import io.bardstream.event.DatasetKind;
import io.bardstream.event.EventJson;
import io.bardstream.event.Hyperparameters;
import io.bardstream.event.Ids;
import io.bardstream.event.StepMetrics;
import io.bardstream.event.TokenBlock;
import io.bardstream.event.Topics;
import io.bardstream.event.Topics.Topic;
import io.bardstream.gpt.Gpt;
import io.bardstream.kernel.Compute;
import io.bardstream.service.BardstreamHome;
import io.bardstream.service.EventSerializer;
import io.bardstream.service.TopicCreation;
import io.bardstream.train.Preset;
import io.bardstream.train.StepResult;
import io.bardstream.train.TokenSampler;
import io.bardstream.train.TokenSource;
import io.bardstream.train.TrainStep;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.eclipse.microprofile.config.ConfigProvider;

/**
 * What {@code bardstream bench pipeline} runs: what it costs that a training's tokens and measurements go through Kafka.
 *
 * <p>First a split of random tokens is written to {@code token-batches} and materialised. Then {@code tiny} is trained by turns
 * with Kafka and without it, in one run. With: windows out of the materialised file, every step measured on {@code
 * training-metrics} (a run tells of every tenth, or a thousand in all), and a consumer on each topic that training-runtime
 * listens to. Without: windows out of an array, and nothing told. Evaluation and checkpoints cost the same either way and are
 * left out.
 */
public final class PipelineBenchmark {
    /**
     * The measurements.
     *
     * @param tokenBytes of the split, two a token
     * @param publishedPerSecond bytes of tokens written to the broker, all acknowledged
     * @param materialisedPerSecond bytes of tokens read from it, the slowest of three readings: every block and
     *     the whole verified, written and synced
     * @param steps in all turns
     * @param millisecondsWithout the median step without Kafka
     * @param millisecondsWith the median step with it
     * @param overhead by how much longer a turn with Kafka takes than the turn without it beside it: the median of all pairs
     * @param overheadLow lower end of its 95 % confidence interval
     * @param overheadHigh upper end
     */
    public record Result(
            String preset,
            String dtype,
            String device,
            int threads,
            long tokenBytes,
            double publishedPerSecond,
            double materialisedPerSecond,
            int steps,
            double millisecondsWithout,
            double millisecondsWith,
            double overhead,
            double overheadLow,
            double overheadHigh) {}

    private static final String SECONDS = "bardstream.bench.seconds";
    private static final int READINGS = 3;
    private static final int LEAST_PAIRS = 3;
    private static final int TOKENS_IN_MEMORY = 1 << 22;
    private static final Preset PRESET = Preset.TINY;

    /**
     * How much is measured.
     *
     * @param blocks in the split, of 128 KiB each
     * @param stepsPerTurn steps of training with Kafka, and as many without, before they change
     * @param seconds of training
     */
    public record Extent(int blocks, int stepsPerTurn, double seconds) {}

    private final Extent extent;
    private final String kafka;
    private final TokenFiles files;

    private PipelineBenchmark(Extent extent, String kafka, Path home) {
        this.extent = extent;
        this.kafka = kafka;
        this.files = new TokenFiles(
                new BardstreamHome(home), new LogReader(Map.of(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, kafka)));
    }

    /**
     * Prints the measurements and writes them to the file named by the first argument, as a JSON list.
     *
     * @param arguments file, address of a broker without other work, and a folder for what is materialised
     */
    public static void main(String[] arguments) throws Exception {
        Extent extent = new Extent(2_000, 80, Double.parseDouble(System.getProperty(SECONDS, "60")));
        Result result = measure(extent, arguments[1], Path.of(arguments[2]));
        System.out.printf(
                "materialise %,.0f MB of tokens: %,.0f MB/s (published at %,.0f MB/s)%n",
                result.tokenBytes() / 1e6, result.materialisedPerSecond() / 1e6, result.publishedPerSecond() / 1e6);
        System.out.printf(
                "train %s, %s, %d threads, %,d steps by turns: %.2f ms a step without Kafka, %.2f ms with it%n",
                result.preset(),
                result.dtype(),
                result.threads(),
                result.steps(),
                result.millisecondsWithout(),
                result.millisecondsWith());
        System.out.printf(
                "going through Kafka costs %.2f %% of the loop's time (95 %%: %.2f to %.2f %%)%n",
                100 * result.overhead(), 100 * result.overheadLow(), 100 * result.overheadHigh());
        Files.write(Path.of(arguments[0]), EventJson.write(List.of(result)));
    }

    /**
     * Measures.
     *
     * @param kafka address of a broker without other work
     * @param home folder for what is materialised
     */
    public static Result measure(Extent extent, String kafka, Path home) throws Exception {
        return new PipelineBenchmark(extent, kafka, home).measure();
    }

    private Result measure() throws Exception {
        try (Admin admin = Admin.create(Map.<String, Object>of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, kafka))) {
            TopicCreation.create(admin, (short) 1);
        }
        long begin = System.nanoTime();
        Dataset dataset = publish();
        long bytes = dataset.split(Split.TRAIN).orElseThrow().tokens() * Short.BYTES;
        double published = bytes / secondsSince(begin);
        double materialised = Double.POSITIVE_INFINITY;
        for (int reading = 0; reading < READINGS; reading++) {
            begin = System.nanoTime();
            files.read(dataset, Split.TRAIN, () -> false);
            materialised = Math.min(materialised, bytes / secondsSince(begin));
        }
        List<double[]> without = new ArrayList<>(); // milliseconds of each step of a turn
        List<double[]> with = new ArrayList<>();
        TokenFile tokens = files.open(dataset, Split.TRAIN, () -> false);
        int threads = Runtime.getRuntime().availableProcessors();
        try (Compute compute = Compute.open(Compute.preferredPrecision(), threads)) {
            train(compute, tokens, without, with);
            double[] overheads = IntStream.range(0, with.size())
                    .mapToDouble(pair -> sum(with.get(pair)) / sum(without.get(pair)) - 1)
                    .sorted()
                    .toArray();
            int middle = overheads.length / 2;
            int margin = (int) Math.ceil(0.98 * Math.sqrt(overheads.length)); // of the median's rank: binomial, 95 %
            return new Result(
                    PRESET.name(),
                    compute.precision().dtype(),
                    compute.device().toString(),
                    threads,
                    bytes,
                    published,
                    materialised,
                    2 * overheads.length * extent.stepsPerTurn(),
                    median(without),
                    median(with),
                    overheads[middle],
                    overheads[Math.max(0, middle - margin)],
                    overheads[Math.min(overheads.length - 1, middle + margin)]);
        }
    }

    private void train(Compute compute, TokenFile tokens, List<double[]> without, List<double[]> with)
            throws InterruptedException {
        try (Loop loop = new Loop(compute, tokens)) {
            loop.turn(false);
            loop.turn(true);
            long begin = System.nanoTime();
            while (with.size() < LEAST_PAIRS || secondsSince(begin) < extent.seconds()) {
                boolean first = with.size() % 2 == 0; // so that what drifts falls on both alike
                (first ? with : without).add(loop.turn(first));
                (first ? without : with).add(loop.turn(!first));
            }
        }
    }

    /** Writes a split as tokenizer-service does, and returns its manifest. */
    private Dataset publish() throws Exception {
        String id = Ids.of("dataset", "pipeline-benchmark");
        String tokenizer = Ids.sha256(new byte[0]);
        MessageDigest digest = Ids.sha256();
        SplittableRandom random = new SplittableRandom(1);
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        try (KafkaProducer<String, Object> producer = producer()) {
            for (int number = 0; number < extent.blocks(); number++) {
                int[] tokens =
                        random.ints(TokenBlock.MAX_TOKENS, 0, vocabulary()).toArray();
                TokenBlock block =
                        new TokenBlock(id, Split.TRAIN, number, tokenizer, false, tokens, new int[] {0}, null);
                digest.update(block.value(), 0, tokens.length * Short.BYTES);
                sent.add(producer.send(new ProducerRecord<>(Topics.TOKEN_BATCHES.name(), id, block)));
            }
            RecordMetadata first = sent.get(0).get();
            RecordMetadata last = sent.get(sent.size() - 1).get();
            long count = (long) extent.blocks() * TokenBlock.MAX_TOKENS;
            Range range = new Range(first.topic(), first.partition(), first.offset(), last.offset() + 1);
            String sha256 = HexFormat.of().formatHex(digest.digest());
            Split split = new Split(Split.TRAIN, count, count, extent.blocks(), sha256, List.of(range));
            return new Dataset(
                    id, DatasetKind.PRETRAIN, tokenizer, id, tokenizer, vocabulary(), List.of(split), Instant.now());
        }
    }

    private KafkaProducer<String, Object> producer() {
        return new KafkaProducer<>(
                Map.of(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, kafka), new StringSerializer(), new EventSerializer());
    }

    private static int vocabulary() {
        return PRESET.config().vocabularySize();
    }

    /** A training that goes on and on, by turns with Kafka and without. */
    private final class Loop implements AutoCloseable {
        private static final String RUN = "pipeline-benchmark";

        private final Hyperparameters settings = PRESET.pretraining();
        private final Gpt gpt;
        private final TrainStep training;
        private final TokenSampler mapped;
        private final TokenSampler inMemory;
        private final KafkaProducer<String, Object> producer = producer();
        private final MetricsLog metrics = new MetricsLog(RUN, stored -> {}, this::send);
        private final Listeners listeners = new Listeners();
        private long step;

        Loop(Compute compute, TokenFile tokens) {
            int[] array = new int[(int) Math.min(TOKENS_IN_MEMORY, tokens.size())];
            tokens.copy(0, array);
            this.gpt = Gpt.initialise(PRESET.config(), compute, 1);
            this.training = TrainStep.of(gpt, settings, 1);
            this.mapped = new TokenSampler(tokens, settings.contextLength(), settings.batchSize(), 1);
            this.inMemory = new TokenSampler(TokenSource.of(array), settings.contextLength(), settings.batchSize(), 1);
        }

        /** Milliseconds of each step. A turn begins when nothing of the one before it is left to do. */
        double[] turn(boolean withKafka) throws InterruptedException {
            metrics.awaitStored(() -> false);
            producer.flush();
            listeners.wake(withKafka);
            return withKafka ? steps(mapped, metrics::add) : steps(inMemory, measured -> {});
        }

        private double[] steps(TokenSampler windows, Consumer<StepMetrics> report) {
            double[] milliseconds = new double[extent.stepsPerTurn()];
            for (int i = 0; i < extent.stepsPerTurn(); i++) {
                long begin = System.nanoTime();
                StepResult result = training.step(step, 1e-3, List.of(windows.batch(step, 0)));
                step++;
                report.accept(measured(result));
                milliseconds[i] = (System.nanoTime() - begin) / 1e6;
            }
            return milliseconds;
        }

        private StepMetrics measured(StepResult result) {
            return new StepMetrics(
                    RUN,
                    step,
                    Integer.MAX_VALUE,
                    step * result.tokens(),
                    result.loss(),
                    1e-3,
                    result.gradientNorm(),
                    1e4,
                    60.0,
                    null,
                    null,
                    null,
                    null,
                    null,
                    Instant.now());
        }

        private CompletableFuture<Void> send(StepMetrics measured) {
            CompletableFuture<Void> sent = new CompletableFuture<>();
            producer.send(
                    new ProducerRecord<>(Topics.TRAINING_METRICS.name(), measured.runId(), measured),
                    (metadata, failure) -> {
                        if (failure == null) {
                            sent.complete(null);
                        } else {
                            sent.completeExceptionally(failure);
                        }
                    });
            return sent;
        }

        @Override
        public void close() throws InterruptedException {
            listeners.close();
            metrics.flush(Duration.ofMinutes(1));
            metrics.close();
            producer.close();
            training.close();
            gpt.close();
        }
    }

    /** A consumer on each topic that training-runtime listens to, polling while awake. */
    private final class Listeners implements AutoCloseable {
        private static final List<Topic<?>> HEARD = List.of(
                Topics.TOKENIZERS, Topics.DATASETS, Topics.TRAINING_REQUESTS, Topics.CHECKPOINTS, Topics.PROMOTIONS);
        private static final Duration POLL = Duration.ofSeconds(1);
        private static final String SETTING =
                "mp.messaging.connector.smallrye-kafka." + ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG;

        private final String wait = ConfigProvider.getConfig().getValue(SETTING, String.class); // as the service has it
        private final List<Thread> threads = HEARD.stream()
                .map(topic -> new Thread(() -> listen(topic), topic.name()))
                .toList();
        // Guarded by this:
        private boolean awake;
        private boolean closed;
        private int asleep;

        Listeners() {
            threads.forEach(Thread::start);
        }

        /** Wakes all, or returns when all are asleep. */
        synchronized void wake(boolean wake) throws InterruptedException {
            awake = wake;
            notifyAll();
            while (!awake && asleep < threads.size()) {
                wait();
            }
        }

        private void listen(Topic<?> topic) {
            try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(
                    Map.of(
                            ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG,
                            kafka,
                            ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG,
                            wait),
                    new ByteArrayDeserializer(),
                    new ByteArrayDeserializer())) {
                List<TopicPartition> whole = List.of(new TopicPartition(topic.name(), 0));
                consumer.assign(whole);
                consumer.seekToBeginning(whole);
                while (awaitTurn()) {
                    consumer.poll(POLL);
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        /** Says whether to go on. */
        private synchronized boolean awaitTurn() throws InterruptedException {
            asleep++;
            notifyAll();
            while (!awake && !closed) {
                wait();
            }
            asleep--;
            return !closed;
        }

        @Override
        public void close() throws InterruptedException {
            synchronized (this) {
                closed = true;
                notifyAll();
            }
            for (Thread thread : threads) {
                thread.join();
            }
        }
    }

    private static double secondsSince(long begin) {
        return (System.nanoTime() - begin) / 1e9;
    }

    private static double sum(double[] milliseconds) {
        return DoubleStream.of(milliseconds).sum();
    }

    private static double median(List<double[]> turns) {
        double[] sorted =
                turns.stream().flatMapToDouble(DoubleStream::of).sorted().toArray();
        return sorted[sorted.length / 2];
    }
}

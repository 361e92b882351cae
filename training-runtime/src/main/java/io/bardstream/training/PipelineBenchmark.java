package io.bardstream.training;

import static io.bardstream.training.ProcessorTime.COMPILERS;

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
import io.bardstream.train.Batch;
import io.bardstream.train.Preset;
import io.bardstream.train.StepResult;
import io.bardstream.train.TokenSampler;
import io.bardstream.train.TokenSource;
import io.bardstream.train.TrainStep;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.function.Consumer;
import java.util.function.ToDoubleBiFunction;
import java.util.function.ToLongFunction;
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
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.eclipse.microprofile.config.Config;
import org.eclipse.microprofile.config.ConfigProvider;

/**
 * What {@code bardstream bench pipeline} runs: what it costs that a training's tokens and measurements go through Kafka.
 *
 * <p>First a split of random tokens is written to {@code token-batches} and materialised. Then {@code tiny} is trained by turns
 * with Kafka and without it, in one run. With: windows out of the materialised file, every step measured on {@code
 * training-metrics} (a run tells of every tenth, or a thousand in all), and a consumer in a group of its own on each topic that
 * training-runtime listens to, set up as the service's are. Without: windows out of an array, nothing told, no consumer.
 * Evaluation and checkpoints cost the same either way and are left out.
 *
 * <p>Two things are measured of each pair of neighbouring turns: by how much longer the one with Kafka took, and how much more
 * processor time all but the computing threads had in it, here and in the broker. The second says what the first can come to:
 * where as many threads compute as there are processors, whatever else runs takes its time from them.
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
     * @param pairs of turns
     * @param millisecondsWithout the median step without Kafka
     * @param millisecondsWith the median step with it
     * @param overhead by how much longer a turn with Kafka takes than the turn without it beside it
     * @param clients milliseconds of processor time a second that Kafka takes in this process
     * @param broker the same in the broker, beyond what it takes while nobody asks
     * @param compilation the same of both processes' compilers, which come to rest minutes after a start
     * @param share clients and broker, as a share of the time of all processors
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
            int pairs,
            double millisecondsWithout,
            double millisecondsWith,
            TrimmedMean overhead,
            TrimmedMean clients,
            TrimmedMean broker,
            TrimmedMean compilation,
            TrimmedMean share) {}

    private static final String SECONDS = "bardstream.bench.seconds";
    private static final int READINGS = 3;
    private static final int LEAST_PAIRS = 3;
    private static final int WARM_UP = 2; // pairs, in which the clients are compiled
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

    private static final String COMPUTING = "computing";

    private final Extent extent;
    private final String kafka;
    private final ProcessorTime here;
    private final ProcessorTime there;
    private final List<ProcessorTime> compilers;
    private final TokenFiles files;

    private PipelineBenchmark(Extent extent, String kafka, long broker, Path home) {
        this.extent = extent;
        this.kafka = kafka;
        long process = ProcessHandle.current().pid();
        this.here = new ProcessorTime(process, COMPILERS.negate().and(name -> !name.equals(COMPUTING)));
        this.there = new ProcessorTime(broker, COMPILERS.negate());
        this.compilers = List.of(new ProcessorTime(process, COMPILERS), new ProcessorTime(broker, COMPILERS));
        this.files = new TokenFiles(
                new BardstreamHome(home), new LogReader(Map.of(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, kafka)));
    }

    /**
     * Prints the measurements and writes them to the file named by the first argument, as a JSON list.
     *
     * @param arguments file, address and process of a broker without other work, and a folder for what is materialised
     */
    public static void main(String[] arguments) throws Exception {
        Extent extent = new Extent(2_000, 80, Double.parseDouble(System.getProperty(SECONDS, "240")));
        Result result = measure(extent, arguments[1], Long.parseLong(arguments[2]), Path.of(arguments[3]));
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
                "going through Kafka: %s %% of the loop's time, by %d pairs of turns%n",
                percent(result.overhead()), result.pairs());
        System.out.printf(
                "processor time of Kafka: %s ms a second in this process and %s in the broker, %s %% of all processors;"
                        + " while it is compiled, %s ms%n",
                text(result.clients()), text(result.broker()), percent(result.share()), text(result.compilation()));
        Files.write(Path.of(arguments[0]), EventJson.write(List.of(result)));
    }

    /**
     * Measures.
     *
     * @param kafka address of a broker without other work
     * @param broker its process, on this machine
     * @param home folder for what is materialised
     */
    public static Result measure(Extent extent, String kafka, long broker, Path home) throws Exception {
        return new PipelineBenchmark(extent, kafka, broker, home).measure();
    }

    private static String percent(TrimmedMean share) {
        return text(new TrimmedMean(100 * share.value(), 100 * share.low(), 100 * share.high()));
    }

    private static String text(TrimmedMean mean) {
        return "%.2f (95 %%: %.2f to %.2f)".formatted(mean.value(), mean.low(), mean.high());
    }

    private Result measure() throws Exception {
        try (Admin admin = Admin.create(Map.<String, Object>of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, kafka))) {
            TopicCreation.create(admin, (short) 1);
        }
        long begin = System.nanoTime();
        Dataset dataset = publish();
        long bytes = dataset.split(Split.TRAIN).orElseThrow().tokens() * Short.BYTES;
        double published = bytes / secondsSince(begin);
        double slowest = slowestReading(dataset, bytes);
        TokenFile tokens = files.open(dataset, Split.TRAIN, () -> false);
        FutureTask<Result> training = new FutureTask<>(() -> train(tokens, bytes, published, slowest));
        new Thread(training, COMPUTING).start();
        return training.get();
    }

    private double slowestReading(Dataset dataset, long bytes) throws IOException, InterruptedException {
        double slowest = Double.POSITIVE_INFINITY;
        for (int reading = 0; reading < READINGS; reading++) {
            long begin = System.nanoTime();
            files.read(dataset, Split.TRAIN, () -> false);
            slowest = Math.min(slowest, bytes / secondsSince(begin));
        }
        return slowest;
    }

    /**
     * A turn of training.
     *
     * @param milliseconds of each step
     * @param clients nanoseconds of processor time of all but the computing threads, and of those for windows and reports
     * @param broker nanoseconds of processor time of the broker
     * @param compilers nanoseconds of processor time of the compilers in both, which are not in these
     */
    private record Turn(double[] milliseconds, long clients, long broker, long compilers) {
        double seconds() {
            return DoubleStream.of(milliseconds).sum() / 1e3;
        }

        /** In milliseconds a second. */
        double rate(long nanoseconds) {
            return nanoseconds / 1e6 / seconds();
        }
    }

    private Result train(TokenFile tokens, long bytes, double published, double materialised) throws Exception {
        List<Turn> without = new ArrayList<>();
        List<Turn> with = new ArrayList<>();
        int threads = Runtime.getRuntime().availableProcessors();
        try (Compute compute = Compute.open(Compute.preferredPrecision(), threads);
                Loop loop = new Loop(compute, tokens)) {
            for (int pair = 0; pair < WARM_UP; pair++) {
                loop.turn(false);
                loop.turn(true);
            }
            long begin = System.nanoTime();
            while (with.size() < LEAST_PAIRS || secondsSince(begin) < extent.seconds()) {
                boolean first = with.size() % 2 == 0; // so that what drifts falls on both alike
                (first ? with : without).add(loop.turn(first));
                (first ? without : with).add(loop.turn(!first));
            }
            return new Result(
                    PRESET.name(),
                    compute.precision().dtype(),
                    compute.device().toString(),
                    threads,
                    bytes,
                    published,
                    materialised,
                    2 * with.size() * extent.stepsPerTurn(),
                    with.size(),
                    median(without),
                    median(with),
                    ofPairs(with, without, (one, other) -> one.seconds() / other.seconds() - 1),
                    ofPairs(with, without, more(Turn::clients)),
                    ofPairs(with, without, more(Turn::broker)),
                    ofPairs(with, without, more(Turn::compilers)),
                    ofPairs(
                            with,
                            without,
                            (one, other) ->
                                    more(turn -> turn.clients() + turn.broker()).applyAsDouble(one, other)
                                            / 1e3
                                            / threads));
        }
    }

    /** By how many milliseconds a second one turn takes more than another. */
    private static ToDoubleBiFunction<Turn, Turn> more(ToLongFunction<Turn> nanoseconds) {
        return (one, other) -> one.rate(nanoseconds.applyAsLong(one)) - other.rate(nanoseconds.applyAsLong(other));
    }

    private static TrimmedMean ofPairs(List<Turn> with, List<Turn> without, ToDoubleBiFunction<Turn, Turn> measure) {
        return TrimmedMean.of(IntStream.range(0, with.size())
                .mapToDouble(pair -> measure.applyAsDouble(with.get(pair), without.get(pair)))
                .toArray());
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

        private final ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        private final Hyperparameters settings = PRESET.pretraining();
        private final Gpt gpt;
        private final TrainStep training;
        private final TokenSampler mapped;
        private final TokenSampler inMemory;
        private final KafkaProducer<String, Object> producer = producer();
        private final MetricsLog metrics = new MetricsLog(RUN, stored -> {}, this::send);
        private long step;

        Loop(Compute compute, TokenFile tokens) {
            int[] array = new int[(int) Math.min(TOKENS_IN_MEMORY, tokens.size())];
            tokens.copy(0, array);
            this.gpt = Gpt.initialise(PRESET.config(), compute, 1);
            this.training = TrainStep.of(gpt, settings, 1);
            this.mapped = new TokenSampler(tokens, settings.contextLength(), settings.batchSize(), 1);
            this.inMemory = new TokenSampler(TokenSource.of(array), settings.contextLength(), settings.batchSize(), 1);
        }

        /** A turn begins when nothing of the one before it is left to do. */
        Turn turn(boolean withKafka) throws InterruptedException {
            metrics.awaitStored(() -> false);
            producer.flush();
            if (!withKafka) {
                return steps(inMemory, measured -> {});
            }
            try (Listeners listeners = new Listeners()) {
                listeners.awaitAssigned();
                return steps(mapped, metrics::add);
            }
        }

        private Turn steps(TokenSampler windows, Consumer<StepMetrics> report) {
            double[] milliseconds = new double[extent.stepsPerTurn()];
            long own = 0; // for windows and reports
            Map<Path, Long> clients = here.nanoseconds();
            Map<Path, Long> broker = there.nanoseconds();
            List<Map<Path, Long>> compiled =
                    compilers.stream().map(ProcessorTime::nanoseconds).toList();
            for (int i = 0; i < extent.stepsPerTurn(); i++) {
                long begin = System.nanoTime();
                own -= computed();
                Batch batch = windows.batch(step, 0);
                own += computed();
                StepResult result = training.step(step, 1e-3, List.of(batch));
                step++;
                own -= computed();
                report.accept(measured(result));
                own += computed();
                milliseconds[i] = (System.nanoTime() - begin) / 1e6;
            }
            long compiling = IntStream.range(0, compilers.size())
                    .mapToLong(each -> compilers.get(each).since(compiled.get(each)))
                    .sum();
            return new Turn(milliseconds, own + here.since(clients), there.since(broker), compiling);
        }

        /** Nanoseconds of processor time of this thread. */
        private long computed() {
            return threads.getCurrentThreadCpuTime();
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
            metrics.flush(Duration.ofMinutes(1));
            metrics.close();
            producer.close();
            training.close();
            gpt.close();
        }
    }

    /** A consumer on each topic that training-runtime listens to, set up as its channels are, from here to {@link #close}. */
    private final class Listeners implements AutoCloseable {
        private static final List<Topic<?>> HEARD = List.of(
                Topics.TOKENIZERS, Topics.DATASETS, Topics.TRAINING_REQUESTS, Topics.CHECKPOINTS, Topics.PROMOTIONS);
        private static final Duration POLL = Duration.ofSeconds(1); // SmallRye's poll-timeout
        private static final String CHANNELS = "mp.messaging.connector.smallrye-kafka.";

        private final CountDownLatch assigned = new CountDownLatch(HEARD.size());
        private final List<Thread> threads = HEARD.stream()
                .map(topic -> new Thread(() -> listen(topic), topic.name()))
                .toList();
        private volatile boolean closed;

        Listeners() {
            threads.forEach(Thread::start);
        }

        void awaitAssigned() throws InterruptedException {
            assigned.await();
        }

        private void listen(Topic<?> topic) {
            try (KafkaConsumer<byte[], byte[]> consumer =
                    new KafkaConsumer<>(settings(topic), new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
                consumer.subscribe(List.of(topic.name()));
                while (consumer.assignment().isEmpty()) {
                    consumer.poll(POLL);
                }
                assigned.countDown();
                while (!closed) {
                    consumer.poll(POLL);
                }
            }
        }

        private Map<String, Object> settings(Topic<?> topic) {
            Config config = ConfigProvider.getConfig();
            Map<String, Object> settings = new HashMap<>();
            for (String name : ConsumerConfig.configNames()) {
                if (!name.equals(ConsumerConfig.GROUP_ID_CONFIG)) {
                    config.getOptionalValue(CHANNELS + name, String.class)
                            .ifPresent(value -> settings.put(name, value));
                }
            }
            settings.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, kafka);
            settings.put(ConsumerConfig.GROUP_ID_CONFIG, Loop.RUN + "-" + topic.name());
            settings.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
            return settings;
        }

        @Override
        public void close() throws InterruptedException {
            closed = true;
            for (Thread thread : threads) {
                thread.join();
            }
        }
    }

    private static double secondsSince(long begin) {
        return (System.nanoTime() - begin) / 1e9;
    }

    private static double median(List<Turn> turns) {
        double[] sorted = turns.stream()
                .flatMapToDouble(turn -> DoubleStream.of(turn.milliseconds()))
                .sorted()
                .toArray();
        return sorted[sorted.length / 2];
    }
}

package io.bardstream.training;

import io.bardstream.event.Dataset;
import io.bardstream.event.Dataset.Range;
import io.bardstream.event.Dataset.Split;
import io.bardstream.event.Ids;
import io.bardstream.event.InvalidFieldException;
import io.bardstream.event.TokenBlock;
import io.bardstream.service.BardstreamHome;
import io.bardstream.tokenizer.BpeTokenizer;
import jakarta.enterprise.context.ApplicationScoped;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TimeoutException;
import org.jboss.logging.Logger;

/**
 * Makes the splits of datasets from the records their manifests name, once, into {@code cache} under the home.
 *
 * <p>Guarantees. A range is read by position; records of other datasets and splits inside it are passed over, and of a block
 * that came twice the first counts. A file that has its name was verified: every block against its own sha256, the whole
 * against the manifest's sha256 and count; it is written beside its place and renamed, and verified again whenever it is
 * opened, so that a damaged or deleted one is made again. Memory is bounded by the number of blocks.
 */
@ApplicationScoped
public class TokenFiles {
    private static final Logger LOG = Logger.getLogger(TokenFiles.class);
    private static final Duration ANSWER = Duration.ofSeconds(5);

    private static final int SHA256_DIGITS = 12;

    private final BardstreamHome home;
    private final LogReader log;

    TokenFiles(BardstreamHome home, LogReader log) {
        this.home = home;
        this.log = log;
    }

    /**
     * Opens a split, which is read from Kafka if it is not there yet. While the broker is away this waits for it.
     *
     * @param interrupted asked now and then; where it says yes the reading ends with an {@link InterruptedException}
     * @throws DatasetException where a record is gone, damaged or missing
     */
    public TokenFile open(Dataset dataset, String name, BooleanSupplier interrupted)
            throws IOException, InterruptedException {
        return open(dataset, name, false, interrupted);
    }

    /** The same, from Kafka in any case: a file that is there counts for nothing, and is replaced. */
    public TokenFile read(Dataset dataset, String name, BooleanSupplier interrupted)
            throws IOException, InterruptedException {
        return open(dataset, name, true, interrupted);
    }

    private TokenFile open(Dataset dataset, String name, boolean afresh, BooleanSupplier interrupted)
            throws IOException, InterruptedException {
        Split split = dataset.split(name)
                .orElseThrow(() -> new InvalidFieldException(
                        "dataset", "'" + dataset.id() + "' has no split '" + name + "'; make it with one"));
        boolean wide = dataset.vocabularySize() > TokenBlock.NARROW_VOCABULARY;
        Path file = file(dataset, split, wide);
        if (afresh || !matches(file, split, wide) || !ConversationFile.matches(file, split)) {
            materialise(dataset, split, wide, file, interrupted);
        }
        return TokenFile.open(file, wide);
    }

    /** A split that was cut short has a file of its own. */
    private Path file(Dataset dataset, Split split, boolean wide) {
        return home.cache()
                .resolve("%s.%s.%s.%s"
                        .formatted(
                                dataset.id(),
                                split.name(),
                                split.sha256().substring(0, SHA256_DIGITS),
                                wide ? "uint32" : "uint16"));
    }

    /**
     * The manifest of a dataset whose training split is cut short: of its blocks those count that lie before an offset, from
     * the first to the first that does not. They are read from Kafka in any case, and their file is there afterwards. The other
     * splits stay whole, so that losses on them compare.
     */
    public Dataset before(long until, Dataset dataset, BpeTokenizer tokenizer, BooleanSupplier interrupted)
            throws IOException, InterruptedException {
        Split train = dataset.split(Split.TRAIN).orElseThrow();
        boolean wide = dataset.vocabularySize() > TokenBlock.NARROW_VOCABULARY;
        List<Range> ranges = train.ranges().stream()
                .filter(range -> range.start() < until)
                .map(range -> new Range(range.topic(), range.partition(), range.start(), Math.min(range.end(), until)))
                .toList();
        Split before = new Split(train.name(), 0, 0, 0, train.sha256(), ranges, train.conversations());
        Path arrival = home.cache().resolve(".tmp-" + UUID.randomUUID());
        Path ordered = home.cache().resolve(".tmp-" + UUID.randomUUID());
        try {
            ArrivedBlocks blocks = ArrivedBlocks.read(log, dataset, before, wide, arrival, interrupted)
                    .unbroken();
            blocks.copy(ordered);
            TokenFile tokens = TokenFile.open(ordered, wide);
            Split cut;
            if (train.conversations() == null) {
                cut = before.with(tokens.size(), bytes(tokens, tokenizer), blocks.count(), sha256(ordered), null);
            } else {
                ConversationFile talks = ConversationFile.open(tokens, blocks.outline());
                cut = before.with(
                        tokens.size(),
                        talks.trainedBytes(tokenizer),
                        blocks.count(),
                        sha256(ordered),
                        talks.description());
            }
            Path file = file(dataset, cut, wide);
            outline(dataset, cut, blocks, file);
            Files.move(ordered, file, StandardCopyOption.ATOMIC_MOVE);
            return dataset.with(cut);
        } finally {
            Files.deleteIfExists(arrival);
            Files.deleteIfExists(ordered);
        }
    }

    /** Length of the text that the tokens stand for, in UTF-8. */
    private static long bytes(TokenFile tokens, BpeTokenizer tokenizer) {
        int[] some = new int[1 << 16];
        long bytes = 0;
        for (long done = 0; done < tokens.size(); done += some.length) {
            some = tokens.size() - done < some.length ? new int[(int) (tokens.size() - done)] : some;
            tokens.copy(done, some);
            for (int token : some) {
                bytes += tokenizer.bytesOf(token).length;
            }
        }
        return bytes;
    }

    /**
     * Which of a dataset's ranges the broker has no more, or has not got: for each a line that says why. Only offsets are
     * compared, nothing is read.
     *
     * @throws TimeoutException where the broker does not answer
     */
    public List<String> missing(Dataset dataset) {
        List<TopicPartition> partitions = dataset.splits().stream()
                .flatMap(split -> split.ranges().stream())
                .map(range -> new TopicPartition(range.topic(), range.partition()))
                .distinct()
                .toList();
        Map<TopicPartition, Long> begins;
        Map<TopicPartition, Long> ends;
        try (Consumer<byte[], byte[]> consumer = log.consumer()) {
            consumer.assign(partitions);
            begins = consumer.beginningOffsets(partitions, ANSWER);
            ends = consumer.endOffsets(partitions, ANSWER);
        }
        List<String> missing = new ArrayList<>();
        for (Split split : dataset.splits()) {
            for (Range range : split.ranges()) {
                TopicPartition partition = new TopicPartition(range.topic(), range.partition());
                if (range.start() < begins.get(partition)) {
                    missing.add("%s of split %s: the partition now begins at offset %d"
                            .formatted(where(range), split.name(), begins.get(partition)));
                } else if (range.end() > ends.get(partition)) {
                    missing.add("%s of split %s: the partition ends at offset %d"
                            .formatted(where(range), split.name(), ends.get(partition)));
                }
            }
        }
        return missing;
    }

    private static boolean matches(Path file, Split split, boolean wide) throws IOException {
        return Files.isRegularFile(file)
                && Files.size(file) == split.tokens() * TokenFile.width(wide)
                && sha256(file).equals(split.sha256());
    }

    private void materialise(Dataset dataset, Split split, boolean wide, Path file, BooleanSupplier interrupted)
            throws IOException, InterruptedException {
        Path folder = Files.createDirectories(file.getParent());
        Path arrival = folder.resolve(".tmp-" + UUID.randomUUID());
        Path ordered = folder.resolve(".tmp-" + UUID.randomUUID());
        long begin = System.nanoTime();
        try {
            ArrivedBlocks blocks = ArrivedBlocks.read(log, dataset, split, wide, arrival, interrupted);
            blocks.checkComplete(dataset, split);
            Path whole = blocks.inOrder(ordered);
            String sha256 = sha256(whole);
            if (!sha256.equals(split.sha256())) {
                throw new DatasetException(
                        "dataset %s, split %s: the tokens of its ranges %s have sha256 %s, its manifest says %s"
                                .formatted(dataset.id(), split.name(), where(split), sha256, split.sha256()));
            }
            outline(dataset, split, blocks, file);
            Files.move(whole, file, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(arrival);
            Files.deleteIfExists(ordered);
        }
        LOG.infof(
                "Read %,d tokens of %s/%s from Kafka in %.1f s",
                split.tokens(), dataset.id(), split.name(), (System.nanoTime() - begin) / 1e9);
    }

    /** Writes where a split's conversations start and what of them is trained, if it has any, beside its tokens. */
    private static void outline(Dataset dataset, Split split, ArrivedBlocks blocks, Path tokens) throws IOException {
        if (split.conversations() == null) {
            return;
        }
        byte[] outline = blocks.outline();
        String sha256 = Ids.sha256(outline);
        if (!sha256.equals(split.conversations().sha256())) {
            throw new DatasetException(
                    "dataset %s, split %s: starts and loss mask of its ranges %s have sha256 %s, its manifest says %s"
                            .formatted(
                                    dataset.id(),
                                    split.name(),
                                    where(split),
                                    sha256,
                                    split.conversations().sha256()));
        }
        Path temporary = tokens.resolveSibling(".tmp-" + UUID.randomUUID());
        try {
            Files.write(temporary, outline);
            Files.move(temporary, ConversationFile.outline(tokens), StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(temporary);
        }
    }

    private static String sha256(Path file) throws IOException {
        MessageDigest digest = Ids.sha256();
        ByteBuffer buffer = ByteBuffer.allocate(1 << 20);
        try (FileChannel in = FileChannel.open(file, StandardOpenOption.READ)) {
            while (in.read(buffer) >= 0) {
                digest.update(buffer.flip());
                buffer.clear();
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    static String where(Split split) {
        return String.join(", ", split.ranges().stream().map(TokenFiles::where).toList());
    }

    static String where(Range range) {
        return "%s-%d [%d, %d)".formatted(range.topic(), range.partition(), range.start(), range.end());
    }
}

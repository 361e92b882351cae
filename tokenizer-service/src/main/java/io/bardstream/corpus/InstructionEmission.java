package io.bardstream.corpus;

import io.bardstream.event.Dataset;
import io.bardstream.event.Dataset.Split;
import io.bardstream.event.DatasetKind;
import io.bardstream.event.Ids;
import io.bardstream.event.InvalidFieldException;
import io.bardstream.event.TokenBlock;
import io.bardstream.tokenizer.BpeTokenizer;
import io.bardstream.tokenizer.ChatFormat;
import io.bardstream.tokenizer.ChatFormat.Rendered;
import io.bardstream.tokenizer.ChatFormat.Role;
import io.bardstream.tokenizer.Conversation;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HexFormat;
import java.util.List;
import java.util.function.IntPredicate;

/**
 * Makes the token blocks of one dataset out of conversations: renders each, draws its split and sends it whole, with where it
 * starts and what of it is trained.
 *
 * <p>The draw ranks conversations by a hash of the seed and of all that is said to the assistant; the first ranks are the test
 * split, the next validation. So each split has the size asked for, a conversation keeps its rank when others come or go, and
 * two answers to one question never lie on both sides. Within a split the order is the corpus's.
 *
 * <p>Memory holds one block, and eight bytes a conversation.
 */
final class InstructionEmission implements Emission {
    /**
     * How conversations are drawn.
     *
     * @param validationFraction of the conversations
     * @param testFraction of the conversations; 0 for no test split
     */
    record Draw(double validationFraction, double testFraction, long seed) {
        long validation(long conversations) {
            return Math.max(1, Math.round(conversations * validationFraction));
        }

        long test(long conversations) {
            return testFraction == 0 ? 0 : Math.max(1, Math.round(conversations * testFraction));
        }
    }

    private final String dataset;
    private final DatasetKind kind;
    private final Corpus corpus;
    private final String tokenizerId;
    private final BpeTokenizer tokenizer;
    private final ChatFormat format;
    private final Draw draw;

    InstructionEmission(
            String dataset, DatasetKind kind, Corpus corpus, String tokenizerId, BpeTokenizer tokenizer, Draw draw) {
        this.dataset = dataset;
        this.kind = kind;
        this.corpus = corpus;
        this.tokenizerId = tokenizerId;
        this.tokenizer = tokenizer;
        this.format = ChatFormat.of(tokenizer).orElseThrow();
        this.draw = draw;
    }

    @Override
    public Dataset emit(CorpusFiles files, TokenBatches batches, Listener listener)
            throws IOException, InterruptedException {
        long[] ranks = ranks(files);
        long[] sorted = ranks.clone();
        Arrays.sort(sorted);
        int test = Math.toIntExact(draw.test(ranks.length));
        int validation = Math.toIntExact(draw.validation(ranks.length));
        long firstOfValidation = sorted[test];
        long firstOfTraining = sorted[Math.min(test + validation, sorted.length - 1)];

        List<Split> splits = new ArrayList<>();
        splits.add(split(Split.TRAIN, files, i -> ranks[i] >= firstOfTraining, batches, listener));
        splits.add(split(
                Split.VALIDATION,
                files,
                i -> ranks[i] >= firstOfValidation && ranks[i] < firstOfTraining,
                batches,
                listener));
        if (test > 0) {
            splits.add(split(Split.TEST, files, i -> ranks[i] < firstOfValidation, batches, listener));
        }
        return new Dataset(
                dataset,
                kind,
                corpus.sha256,
                tokenizerId,
                tokenizer.sha256(),
                tokenizer.vocabularySize(),
                splits,
                Instant.now().truncatedTo(ChronoUnit.MILLIS));
    }

    private long[] ranks(CorpusFiles files) throws IOException {
        long[] ranks = new long[Math.toIntExact(corpus.entries)];
        int count = 0;
        try (BufferedReader lines = new BufferedReader(files.open(corpus))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (count == ranks.length) {
                    throw changed();
                }
                ranks[count++] = rank(conversation(line));
            }
        }
        if (count < ranks.length) {
            throw changed();
        }
        return ranks;
    }

    private InvalidFieldException changed() {
        return new InvalidFieldException(
                "corpus",
                "its file does not have the " + corpus.entries + " conversations that were taken in; send them again");
    }

    private static Conversation conversation(String line) {
        return Instruction.parse(line.getBytes(StandardCharsets.UTF_8));
    }

    /** Non-negative bits of a hash of the seed and of what is said to the assistant. */
    private long rank(Conversation conversation) {
        MessageDigest digest = Ids.sha256();
        digest.update(ByteBuffer.allocate(Long.BYTES).putLong(draw.seed()).array());
        conversation.messages().stream()
                .filter(message -> message.role() != Role.ASSISTANT)
                .forEach(message -> {
                    byte[] text = message.content().getBytes(StandardCharsets.UTF_8);
                    digest.update(ByteBuffer.allocate(1 + Integer.BYTES)
                            .put((byte) message.role().ordinal())
                            .putInt(text.length)
                            .array());
                    digest.update(text);
                });
        return ByteBuffer.wrap(digest.digest()).getLong() >>> 1;
    }

    private Split split(String name, CorpusFiles files, IntPredicate belongs, TokenBatches batches, Listener listener)
            throws IOException, InterruptedException {
        Blocks blocks = new Blocks(name, batches, listener);
        try (BufferedReader lines = new BufferedReader(files.open(corpus))) {
            int i = 0;
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (belongs.test(i++)) {
                    blocks.add(conversation(line));
                }
            }
        }
        return blocks.finish();
    }

    /** The blocks of one split as they fill. */
    private final class Blocks {
        private final String split;
        private final TokenBatches batches;
        private final Listener listener;
        private final boolean wide = tokenizer.vocabularySize() > TokenBlock.NARROW_VOCABULARY;
        private final MessageDigest ids = Ids.sha256();
        private final MessageDigest conversations = Ids.sha256();
        private final int[] tokens = new int[TokenBlock.MAX_TOKENS];
        private final List<Integer> starts = new ArrayList<>();
        private final BitSet trained = new BitSet();
        private int filled;
        private long blocks;
        private long count;
        private long total;
        private long bytes;
        private long trainedTokens;
        private int longest;

        Blocks(String split, TokenBatches batches, Listener listener) {
            this.split = split;
            this.batches = batches;
            this.listener = listener;
        }

        void add(Conversation conversation) throws InterruptedException {
            Rendered rendered = format.render(conversation.messages());
            int length = rendered.tokens().length;
            if (filled + length > tokens.length) {
                send();
            }
            starts.add(filled);
            System.arraycopy(rendered.tokens(), 0, tokens, filled, length);
            for (int i = rendered.trained().nextSetBit(0);
                    i >= 0;
                    i = rendered.trained().nextSetBit(i + 1)) {
                trained.set(filled + i);
            }
            filled += length;
            count++;
            total += length;
            longest = Math.max(longest, length);
            trainedTokens += rendered.trained().cardinality();
            bytes += conversation.messages().stream()
                    .filter(message -> message.role() == Role.ASSISTANT)
                    .mapToLong(message -> message.content().getBytes(StandardCharsets.UTF_8).length)
                    .sum();
            conversations.update(ByteBuffer.allocate(Integer.BYTES + (length + 7) / 8)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putInt(length)
                    .put(rendered.trained().toByteArray())
                    .array());
        }

        private void send() throws InterruptedException {
            if (Thread.interrupted()) {
                throw new InterruptedException("the service is stopping");
            }
            TokenBlock block = new TokenBlock(
                    dataset,
                    split,
                    blocks,
                    tokenizer.sha256(),
                    wide,
                    Arrays.copyOf(tokens, filled),
                    starts.stream().mapToInt(Integer::intValue).toArray(),
                    (BitSet) trained.clone());
            byte[] value = block.value();
            ids.update(value, 0, filled * (wide ? Integer.BYTES : Short.BYTES)); // a block opens with its ids
            batches.send(block, value);
            listener.sent((double) count / corpus.entries, filled);
            blocks++;
            filled = 0;
            starts.clear();
            trained.clear();
        }

        Split finish() throws InterruptedException {
            if (count == 0) {
                throw new InvalidFieldException(
                        "corpus",
                        "is too small: its " + split
                                + " split has no conversation. Prompts that are the same stay together");
            }
            send();
            return new Split(
                    split,
                    total,
                    bytes,
                    blocks,
                    HexFormat.of().formatHex(ids.digest()),
                    batches.acknowledged(),
                    new Dataset.Conversations(
                            count, trainedTokens, longest, HexFormat.of().formatHex(conversations.digest())));
        }
    }
}

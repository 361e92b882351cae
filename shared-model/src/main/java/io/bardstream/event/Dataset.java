package io.bardstream.event;

import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The manifest of a dataset: which records of {@code token-batches} it consists of. Published after every block is
 * acknowledged; the first manifest of an id wins.
 *
 * @param id hash of corpus, tokenizer and settings
 * @param corpusSha256 of the corpus's bytes
 * @param tokenizer id of the tokenizer
 * @param tokenizerSha256 of its tokenizer.json
 * @param vocabularySize number of ids of the tokenizer
 */
public record Dataset(
        String id,
        DatasetKind kind,
        String corpusSha256,
        String tokenizer,
        String tokenizerSha256,
        int vocabularySize,
        List<Split> splits,
        Instant at) {

    public Dataset {
        Fields.id(id, "id");
        Fields.required(kind, "kind");
        Fields.sha256(corpusSha256, "corpus_sha256");
        Fields.id(tokenizer, "tokenizer");
        Fields.sha256(tokenizerSha256, "tokenizer_sha256");
        Fields.require(vocabularySize > 0, "vocabulary_size", vocabularySize + " is not positive");
        splits = Fields.copy(splits);
        Fields.require(!splits.isEmpty(), "splits", "a dataset has at least one split");
        Set<String> names = new HashSet<>();
        for (Split split : splits) {
            Fields.require(names.add(split.name()), "splits", "'" + split.name() + "' is given twice");
        }
        Fields.required(at, "at");
    }

    public Optional<Split> split(String name) {
        return splits.stream().filter(split -> split.name().equals(name)).findFirst();
    }

    /** This manifest with another split in the place of that of its name. */
    public Dataset with(Split split) {
        List<Split> others = splits.stream()
                .map(each -> each.name().equals(split.name()) ? split : each)
                .toList();
        return new Dataset(id, kind, corpusSha256, tokenizer, tokenizerSha256, vocabularySize, others, at);
    }

    /** Whether this manifest describes the same tokens as another, wherever each of them says that they lie. */
    public boolean sameTokens(Dataset other) {
        return withoutPlace().equals(other.withoutPlace());
    }

    private Dataset withoutPlace() {
        List<Split> contents = splits.stream()
                .map(split -> new Split(
                        split.name(),
                        split.tokens(),
                        split.bytes(),
                        split.blocks(),
                        split.sha256(),
                        List.of(),
                        split.conversations()))
                .toList();
        return new Dataset(id, kind, corpusSha256, tokenizer, tokenizerSha256, vocabularySize, contents, Instant.EPOCH);
    }

    /**
     * One part of a dataset: of a text made by position, of conversations by a draw.
     *
     * @param name {@code train}, {@code validation} or {@code test}
     * @param tokens number of tokens
     * @param bytes length of the split's text in UTF-8, for bits per byte; of conversations, of the texts that are trained
     * @param blocks number of blocks, numbered from 0
     * @param sha256 of the token ids, little-endian uint16 (uint32 where the vocabulary is above 65,536)
     * @param ranges where the blocks lie, in order; records of other splits or datasets inside them are skipped
     * @param conversations what of the tokens is trained, of conversations; null of a text
     */
    public record Split(
            String name,
            long tokens,
            long bytes,
            long blocks,
            String sha256,
            List<Range> ranges,
            Conversations conversations) {
        public static final String TRAIN = "train";
        public static final String VALIDATION = "validation";
        public static final String TEST = "test";

        public Split {
            Fields.text(name, "name");
            Fields.notNegative(tokens, "tokens");
            Fields.notNegative(bytes, "bytes");
            Fields.notNegative(blocks, "blocks");
            Fields.sha256(sha256, "sha256");
            ranges = Fields.copy(ranges);
        }

        /** The same ranges with another part of what is in them. */
        public Split with(long tokens, long bytes, long blocks, String sha256, Conversations conversations) {
            return new Split(name, tokens, bytes, blocks, sha256, ranges, conversations);
        }

        /** A part of a text. */
        public Split(String name, long tokens, long bytes, long blocks, String sha256, List<Range> ranges) {
            this(name, tokens, bytes, blocks, sha256, ranges, null);
        }
    }

    /**
     * The conversations of a split.
     *
     * @param count how many; none lies in two blocks
     * @param trainedTokens tokens that the loss counts, of all
     * @param longest tokens of the longest one
     * @param sha256 over, for each in order, its number of tokens as little-endian uint32 and its part of the loss mask from
     *     bit 0 on, in ⌈tokens / 8⌉ bytes
     */
    public record Conversations(long count, long trainedTokens, int longest, String sha256) {
        public Conversations {
            Fields.require(count > 0, "count", count + " is not positive");
            Fields.require(trainedTokens > 0, "trained_tokens", trainedTokens + " is not positive");
            Fields.require(longest > 0, "longest", longest + " is not positive");
            Fields.sha256(sha256, "sha256");
        }
    }

    /** Offsets {@code [start, end)} of one partition. */
    public record Range(String topic, int partition, long start, long end) {
        public Range {
            Fields.text(topic, "topic");
            Fields.notNegative(partition, "partition");
            Fields.notNegative(start, "start");
            Fields.require(end >= start, "end", end + " lies before start " + start);
        }
    }
}

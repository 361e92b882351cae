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

    /**
     * One part of a dataset, made by position in the text.
     *
     * @param name {@code train} or {@code validation}
     * @param tokens number of tokens
     * @param bytes length of the split's text in UTF-8, for bits per byte
     * @param blocks number of blocks, numbered from 0
     * @param sha256 of the token ids, little-endian uint16 (uint32 where the vocabulary is above 65,536)
     * @param ranges where the blocks lie, in order; records of other splits or datasets inside them are skipped
     */
    public record Split(String name, long tokens, long bytes, long blocks, String sha256, List<Range> ranges) {
        public static final String TRAIN = "train";
        public static final String VALIDATION = "validation";

        public Split {
            Fields.text(name, "name");
            Fields.notNegative(tokens, "tokens");
            Fields.notNegative(bytes, "bytes");
            Fields.notNegative(blocks, "blocks");
            Fields.sha256(sha256, "sha256");
            ranges = Fields.copy(ranges);
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

package io.bardstream.training;

import io.bardstream.event.Dataset;
import io.bardstream.event.Dataset.Range;
import io.bardstream.event.Dataset.Split;
import io.bardstream.event.DatasetKind;
import io.bardstream.event.EventJson;
import io.bardstream.event.Ids;
import io.bardstream.event.TokenizerPublished;
import io.bardstream.event.Topics;
import jakarta.enterprise.context.ApplicationScoped;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * Manifests of what people prefer: a dataset whose one range is the topic {@code preferences} from its first record to an
 * offset. Its splits are the pairs to train on and the held-out ones; its blocks are pairs, and its sha256 are over pairs, so
 * a log that says something else than it did, after an erasure for instance, is noticed.
 */
@ApplicationScoped
public class PreferenceDatasets {
    private final PreferenceLog log;

    PreferenceDatasets(PreferenceLog log) {
        this.log = log;
    }

    /** The id of the dataset of all votes before an offset. */
    public static String id(long end, String tokenizerSha256) {
        return Ids.of("preferences", tokenizerSha256, end);
    }

    /**
     * The dataset of the votes before an offset.
     *
     * @param excluded annotators whose votes do not count
     */
    public Dataset before(
            long end, Collection<String> excluded, String id, TokenizerPublished tokenizer, BooleanSupplier interrupted)
            throws DatasetException, InterruptedException {
        List<JudgedPair> pairs = log.pairs(end, excluded, interrupted);
        return new Dataset(
                id,
                DatasetKind.PREFERENCE,
                sha256(pairs),
                tokenizer.id(),
                tokenizer.sha256(),
                tokenizer.vocabularySize(),
                List.of(split(Split.TRAIN, pairs, false, end), split(Split.VALIDATION, pairs, true, end)),
                Instant.now());
    }

    /** A split of texts: in whose tokens they are counted is up to who trains, so its tokens are 0. */
    private static Split split(String name, List<JudgedPair> all, boolean heldOut, long end) {
        List<JudgedPair> pairs =
                all.stream().filter(pair -> pair.heldOut() == heldOut).toList();
        long bytes = pairs.stream()
                .mapToLong(pair -> bytes(pair.prompt()) + bytes(pair.first()) + bytes(pair.second()))
                .sum();
        Range range = new Range(Topics.PREFERENCES.name(), 0, 0, end);
        return new Split(name, 0, bytes, pairs.size(), sha256(pairs), List.of(range));
    }

    private static long bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8).length;
    }

    private static String sha256(List<JudgedPair> pairs) {
        return Ids.sha256(EventJson.write(pairs));
    }

    /**
     * The pairs of a dataset, read from the log.
     *
     * @throws DatasetException where the log says something else than it did
     */
    public List<JudgedPair> read(Dataset dataset, Collection<String> excluded, BooleanSupplier interrupted)
            throws DatasetException, InterruptedException {
        long end = end(dataset);
        List<JudgedPair> pairs = log.pairs(end, excluded, interrupted);
        if (!sha256(pairs).equals(dataset.corpusSha256())) {
            throw new DatasetException(
                    "dataset %s: the votes before offset %d of %s are not those of its manifest, sha256 %s: some were erased since"
                            .formatted(dataset.id(), end, Topics.PREFERENCES.name(), dataset.corpusSha256()));
        }
        return pairs;
    }

    /** The offset before which a dataset's votes lie. */
    public static long end(Dataset dataset) {
        return dataset.splits().get(0).ranges().get(0).end();
    }
}

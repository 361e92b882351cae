package io.bardstream.corpus;

import io.bardstream.event.Dataset;
import io.bardstream.event.Dataset.Split;
import io.bardstream.event.DatasetKind;
import io.bardstream.event.EventJson;
import io.bardstream.event.Ids;
import io.bardstream.event.InvalidFieldException;
import io.bardstream.tokenizer.BpeTokenizer;
import io.quarkus.narayana.jta.QuarkusTransaction;
import jakarta.enterprise.context.ApplicationScoped;
import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;

/**
 * The datasets that were asked for. An id is made of corpus, tokenizer, kind and fraction, so a dataset asked for twice is
 * emitted once, and one that a crash cut short is emitted again under its id. The first manifest of an id wins.
 */
@ApplicationScoped
class Datasets {
    /** Counts up when the same inputs give other blocks. */
    static final int FORMAT_VERSION = 1;

    static final double LARGEST_VALIDATION = 0.5;

    /** Characters of a text whose tokens are counted before its dataset is accepted. */
    private static final int SHORT = 4_096;

    /** Most tokens that one character has: its bytes. */
    private static final int LONGEST_CHARACTER = 4;

    private final Corpora corpora;
    private final CorpusFiles files;
    private final Vocabularies vocabularies;

    Datasets(Corpora corpora, CorpusFiles files, Vocabularies vocabularies) {
        this.corpora = corpora;
        this.files = files;
        this.vocabularies = vocabularies;
    }

    /** Queues a dataset, or finds it; one that failed is queued once more. */
    DatasetOrder order(String corpusId, String tokenizerId, DatasetKind kind, double validationFraction) {
        if (kind != DatasetKind.PRETRAIN) {
            throw new InvalidFieldException(
                    "kind", "a text corpus gives datasets of kind pretrain, not " + kind.label());
        }
        if (!(validationFraction > 0 && validationFraction <= LARGEST_VALIDATION)) {
            throw new InvalidFieldException(
                    "validation_fraction", validationFraction + " is not above 0 and at most " + LARGEST_VALIDATION);
        }
        Corpus corpus = corpora.find(corpusId).orElseThrow(() -> Require.unknown("corpus", corpusId, "corpus"));
        Vocabulary vocabulary = vocabularies
                .find(tokenizerId)
                .orElseThrow(() -> Require.unknown("tokenizer", tokenizerId, "tokenizer"));
        requireEnough(corpus, vocabularies.tokenizer(vocabulary), validationFraction);
        return queue(corpus, vocabulary, kind, validationFraction);
    }

    private synchronized DatasetOrder queue(
            Corpus corpus, Vocabulary vocabulary, DatasetKind kind, double validationFraction) {
        String id =
                Ids.of("dataset", corpus.sha256, vocabulary.sha256, kind.label(), validationFraction, FORMAT_VERSION);
        return QuarkusTransaction.requiringNew().call(() -> {
            DatasetOrder order = DatasetOrder.findById(id);
            if (order == null) {
                order = new DatasetOrder();
                order.id = id;
                order.corpus = corpus.id;
                order.tokenizer = vocabulary.id;
                order.kind = kind;
                order.validationFraction = validationFraction;
                order.status = DatasetOrder.Status.QUEUED;
                order.createdAt = Instant.now().truncatedTo(ChronoUnit.MILLIS);
                order.persist();
            } else if (order.status == DatasetOrder.Status.FAILED) {
                order.status = DatasetOrder.Status.QUEUED;
                order.problem = null;
                order.finishedAt = null;
            }
            return order;
        });
    }

    Optional<DatasetOrder> find(String id) {
        return QuarkusTransaction.requiringNew().call(() -> DatasetOrder.findByIdOptional(id));
    }

    /** Newest first. */
    List<DatasetOrder> list() {
        return QuarkusTransaction.requiringNew().call(() -> DatasetOrder.list("order by createdAt desc, id"));
    }

    /** The oldest dataset that is to be emitted, now running. One that runs already was cut short by a crash. */
    Optional<DatasetOrder> start() {
        return QuarkusTransaction.requiringNew().call(() -> {
            Optional<DatasetOrder> next = DatasetOrder.find(
                            "status in (?1, ?2) order by createdAt, id",
                            DatasetOrder.Status.RUNNING,
                            DatasetOrder.Status.QUEUED)
                    .firstResultOptional();
            next.ifPresent(order -> order.status = DatasetOrder.Status.RUNNING);
            return next;
        });
    }

    /** What emits the blocks of a dataset. */
    Emission emission(DatasetOrder order) {
        Corpus corpus = corpora.find(order.corpus).orElseThrow();
        Vocabulary vocabulary = vocabularies.find(order.tokenizer).orElseThrow();
        return new Emission(
                order.id, corpus, vocabulary.id, vocabularies.tokenizer(vocabulary), order.validationFraction);
    }

    void done(Dataset dataset) {
        finish(
                dataset.id(),
                DatasetOrder.Status.DONE,
                null,
                new String(EventJson.write(dataset), StandardCharsets.UTF_8));
    }

    void failed(String id, String problem) {
        finish(id, DatasetOrder.Status.FAILED, problem, null);
    }

    /** Says why a dataset that is still to be emitted waits. */
    void delayed(String id, String problem) {
        finish(id, DatasetOrder.Status.RUNNING, problem, null);
    }

    private void finish(String id, DatasetOrder.Status status, String problem, String manifest) {
        QuarkusTransaction.requiringNew().run(() -> {
            DatasetOrder order = DatasetOrder.findById(id);
            if (order.status == DatasetOrder.Status.DONE) {
                return; // the first manifest wins
            }
            order.status = status;
            order.problem = problem;
            order.manifest = manifest;
            order.finishedAt =
                    status == DatasetOrder.Status.RUNNING ? null : Instant.now().truncatedTo(ChronoUnit.MILLIS);
        });
    }

    /** Counts the tokens of a short text before it is accepted; a longer one that has too few fails when it is emitted. */
    private void requireEnough(Corpus corpus, BpeTokenizer tokenizer, double validationFraction) {
        long training = SplitReader.trainingCharacters(corpus.characters, validationFraction);
        if (training == corpus.characters) {
            throw new InvalidFieldException(
                    "validation_fraction",
                    validationFraction + " of " + corpus.characters + " characters leaves none for validation");
        }
        if (corpus.characters > SHORT) {
            return;
        }
        int[] tokens = new int[SHORT * LONGEST_CHARACTER];
        try (Reader text = files.open(corpus)) {
            Emission.requireEnough(
                    Split.TRAIN,
                    tokenizer.stream(new SplitReader(text, training)).read(tokens));
            Emission.requireEnough(Split.VALIDATION, tokenizer.stream(text).read(tokens));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read the text of corpus " + corpus.id, e);
        }
    }
}

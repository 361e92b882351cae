package io.bardstream.corpus;

import io.bardstream.event.Dataset;
import io.bardstream.event.Dataset.Split;
import io.bardstream.event.DatasetKind;
import io.bardstream.event.EventJson;
import io.bardstream.event.Ids;
import io.bardstream.event.InvalidFieldException;
import io.bardstream.tokenizer.BpeTokenizer;
import io.bardstream.tokenizer.ChatFormat;
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

    /** Of the draw of conversations, where none is given. */
    static final long SEED = 1337;

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

    /**
     * What is asked for.
     *
     * @param kind null for what fits the corpus
     * @param testFraction only of instructions; null for no test split
     * @param seed only of instructions; null for the usual one
     */
    record Wanted(
            String corpus,
            String tokenizer,
            DatasetKind kind,
            double validationFraction,
            Double testFraction,
            Long seed) {}

    /**
     * Queues a dataset, or finds it; one that failed is queued once more. Where instructions are to be in a vocabulary that
     * has no tokens for turns, its chat form is made and takes its place.
     */
    DatasetOrder order(Wanted wanted) {
        requireFraction("validation_fraction", wanted.validationFraction(), false);
        Corpus corpus =
                corpora.find(wanted.corpus()).orElseThrow(() -> Require.unknown("corpus", wanted.corpus(), "corpus"));
        Vocabulary vocabulary = vocabularies
                .find(wanted.tokenizer())
                .orElseThrow(() -> Require.unknown("tokenizer", wanted.tokenizer(), "tokenizer"));
        DatasetKind kind =
                switch (corpus.kind) {
                    case Corpus.INSTRUCT -> DatasetKind.INSTRUCT;
                    case Corpus.CLASSIFY -> DatasetKind.CLASSIFY;
                    default -> DatasetKind.PRETRAIN;
                };
        if (wanted.kind() != null && wanted.kind() != kind) {
            throw new InvalidFieldException(
                    "kind",
                    "a corpus of kind " + corpus.kind + " gives datasets of kind " + kind.label() + ", not "
                            + wanted.kind().label());
        }
        DatasetOrder order = new DatasetOrder();
        order.corpus = corpus.id;
        order.kind = kind;
        order.validationFraction = wanted.validationFraction();
        if (corpus.hasConversations()) {
            return queue(drawn(order, corpus, wanted), corpus, vocabularies.chatForm(vocabulary));
        }
        requireText(wanted);
        requireEnough(corpus, vocabularies.tokenizer(vocabulary), wanted.validationFraction());
        return queue(order, corpus, vocabulary);
    }

    private static DatasetOrder drawn(DatasetOrder order, Corpus corpus, Wanted wanted) {
        if (wanted.testFraction() != null) {
            requireFraction("test_fraction", wanted.testFraction(), true);
            order.testFraction = wanted.testFraction();
        }
        order.seed = wanted.seed() == null ? SEED : wanted.seed();
        long held = order.draw().validation(corpus.entries) + order.draw().test(corpus.entries);
        if (held >= corpus.entries) {
            throw new InvalidFieldException(
                    "corpus", "is too small: of its " + corpus.entries + " conversations none is left to train on");
        }
        return order;
    }

    private static void requireText(Wanted wanted) {
        if (wanted.testFraction() != null || wanted.seed() != null) {
            throw new InvalidFieldException(
                    wanted.testFraction() != null ? "test_fraction" : "seed",
                    "is for instructions, which are drawn; a text is cut in two by position");
        }
    }

    private static void requireFraction(String field, double fraction, boolean zero) {
        if (!(fraction > 0 && fraction <= LARGEST_VALIDATION) && !(zero && fraction == 0)) {
            throw new InvalidFieldException(
                    field, fraction + " is not " + (zero ? "from 0 to " : "above 0 and at most ") + LARGEST_VALIDATION);
        }
    }

    private DatasetOrder queue(DatasetOrder wanted, Corpus corpus, Vocabulary vocabulary) {
        String id = corpus.hasConversations()
                ? Ids.of(
                        "dataset",
                        corpus.sha256,
                        vocabulary.sha256,
                        wanted.kind.label(),
                        wanted.draw(),
                        ChatFormat.VERSION,
                        FORMAT_VERSION)
                : Ids.of(
                        "dataset",
                        corpus.sha256,
                        vocabulary.sha256,
                        wanted.kind.label(),
                        wanted.validationFraction,
                        FORMAT_VERSION);
        return QuarkusTransaction.requiringNew().call(() -> {
            Claims.alone(id);
            DatasetOrder order = DatasetOrder.findById(id);
            if (order == null) {
                order = wanted;
                order.id = id;
                order.tokenizer = vocabulary.id;
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

    /** The datasets that are to be emitted, oldest first. One that runs is being emitted, or was cut short by a crash. */
    List<String> waiting() {
        return QuarkusTransaction.requiringNew().call(() -> DatasetOrder.<DatasetOrder>stream(
                        "status in (?1, ?2) order by createdAt, id",
                        DatasetOrder.Status.RUNNING,
                        DatasetOrder.Status.QUEUED)
                .map(order -> order.id)
                .toList());
    }

    /** A claimed dataset, now running; empty where it has come to its end meanwhile. */
    Optional<DatasetOrder> start(String id) {
        return QuarkusTransaction.requiringNew().call(() -> {
            DatasetOrder order = DatasetOrder.findById(id);
            if (order.status != DatasetOrder.Status.RUNNING && order.status != DatasetOrder.Status.QUEUED) {
                return Optional.empty();
            }
            order.status = DatasetOrder.Status.RUNNING;
            return Optional.of(order);
        });
    }

    /** What emits the blocks of a dataset. */
    Emission emission(DatasetOrder order) {
        Corpus corpus = corpora.find(order.corpus).orElseThrow();
        Vocabulary vocabulary = vocabularies.find(order.tokenizer).orElseThrow();
        BpeTokenizer tokenizer = vocabularies.tokenizer(vocabulary);
        return corpus.hasConversations()
                ? new InstructionEmission(order.id, order.kind, corpus, vocabulary.id, tokenizer, order.draw())
                : new TextEmission(order.id, corpus, vocabulary.id, tokenizer, order.validationFraction);
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
            TextEmission.requireEnough(
                    Split.TRAIN,
                    tokenizer.stream(new SplitReader(text, training)).read(tokens));
            TextEmission.requireEnough(Split.VALIDATION, tokenizer.stream(text).read(tokens));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read the text of corpus " + corpus.id, e);
        }
    }
}

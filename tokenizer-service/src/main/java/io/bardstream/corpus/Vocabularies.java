package io.bardstream.corpus;

import io.bardstream.event.EventJson;
import io.bardstream.event.Ids;
import io.bardstream.event.InvalidFieldException;
import io.bardstream.event.Topics;
import io.bardstream.service.ApiException;
import io.bardstream.tokenizer.BpeTokenizer;
import io.bardstream.tokenizer.BpeTrainer;
import io.bardstream.tokenizer.SpecialTokens;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.runtime.ShutdownEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jboss.logging.Logger;

/**
 * The vocabularies. One is trained at a time, on a thread of its own; the others wait in line.
 *
 * <p>A vocabulary is learned from the whole text of its corpus, the part that a dataset later keeps for validation included:
 * it belongs to the corpus and serves datasets of any split. Its id is made of the corpus's content, the size, the kind and
 * {@link #TRAINER_VERSION}, so a vocabulary asked for twice is trained once.
 */
@ApplicationScoped
class Vocabularies {
    /** Where a vocabulary comes from. */
    enum Kind {
        /** Learned from a corpus. */
        BPE,
        /** OpenAI's. */
        GPT2;

        String label() {
            return name().toLowerCase(Locale.ROOT);
        }

        static Kind of(String label) {
            return Arrays.stream(values())
                    .filter(kind -> kind.label().equals(label))
                    .findFirst()
                    .orElseThrow(() -> new InvalidFieldException(
                            "kind",
                            "'" + Require.printable(label)
                                    + "' is not a kind of tokenizer; the kinds are bpe and gpt2"));
        }
    }

    /**
     * A vocabulary that was made.
     *
     * @param isNew whether it was not there before
     */
    record Made(Vocabulary vocabulary, boolean isNew) {}

    /** Counts up when the trainer learns another vocabulary from the same text. */
    static final int TRAINER_VERSION = 1;

    /** The bytes and the special tokens: a vocabulary without a merge. */
    static final int SMALLEST = 256 + SpecialTokens.ALL.size();

    static final int LARGEST = 200_000;

    private static final Logger LOG = Logger.getLogger(Vocabularies.class);
    private static final String CHAT = "chat";
    private static final int WAITING = 16;
    private static final int IN_MEMORY = 8;

    /** Room for a record's key and headers. */
    private static final int RECORD_OVERHEAD = 4096;

    private final Corpora corpora;
    private final CorpusFiles files;
    private final Announcements announcements;
    private final ThreadPoolExecutor training = new ThreadPoolExecutor(
            1, 1, 0, TimeUnit.SECONDS, new ArrayBlockingQueue<>(WAITING), Vocabularies::trainingThread);
    private final Map<String, BpeTokenizer> loaded = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, BpeTokenizer> eldest) {
            return size() > IN_MEMORY;
        }
    };

    Vocabularies(Corpora corpora, CorpusFiles files, Announcements announcements) {
        this.corpora = corpora;
        this.files = files;
        this.announcements = announcements;
    }

    void stop(@Observes ShutdownEvent event) {
        training.shutdownNow();
    }

    /** A vocabulary of {@code size} ids, learned from a corpus. */
    CompletionStage<Made> learn(String name, String corpusId, int size) {
        if (size < SMALLEST || size > LARGEST) {
            throw new InvalidFieldException(
                    "vocab_size",
                    size + " is not " + SMALLEST + " (256 bytes and " + SpecialTokens.ALL.size()
                            + " special tokens) to " + LARGEST);
        }
        Corpus corpus = corpora.find(corpusId).orElseThrow(() -> Require.unknown("corpus", corpusId, "corpus"));
        if (corpus.hasConversations()) {
            throw new InvalidFieldException(
                    "corpus", "holds instructions; a vocabulary is learned from running text, before any of them");
        }
        Vocabulary wanted = new Vocabulary();
        wanted.id = Ids.of("tokenizer", corpus.sha256, size, Kind.BPE.label(), TRAINER_VERSION);
        wanted.name = name;
        wanted.kind = Kind.BPE.label();
        wanted.corpus = corpus.id;
        wanted.requestedSize = size;
        return make(wanted, () -> train(corpus, size));
    }

    /**
     * OpenAI's vocabulary.
     *
     * @param size must be its size where it is given
     */
    CompletionStage<Made> gpt2(String name, Integer size) {
        BpeTokenizer gpt2 = BpeTokenizer.gpt2();
        if (size != null && size != gpt2.vocabularySize()) {
            throw new InvalidFieldException(
                    "vocab_size", size + " is not the size of OpenAI's vocabulary, " + gpt2.vocabularySize());
        }
        Vocabulary wanted = new Vocabulary();
        wanted.id = Ids.of("tokenizer", Kind.GPT2.label(), gpt2.sha256());
        wanted.name = name;
        wanted.kind = Kind.GPT2.label();
        wanted.requestedSize = gpt2.vocabularySize();
        return make(wanted, () -> gpt2);
    }

    /** The vocabulary in which conversations can be written: this one, or where it lacks tokens for turns its chat form. */
    synchronized Vocabulary chatForm(Vocabulary vocabulary) {
        BpeTokenizer base = tokenizer(vocabulary);
        BpeTokenizer chat = base.withChatTokens();
        if (chat == base) {
            return vocabulary;
        }
        Vocabulary wanted = new Vocabulary();
        wanted.id = Ids.of("tokenizer", CHAT, vocabulary.sha256);
        wanted.name = vocabulary.name + "-" + CHAT;
        wanted.kind = CHAT;
        wanted.base = vocabulary.sha256;
        wanted.requestedSize = chat.vocabularySize();
        return find(wanted.id).orElseGet(() -> keep(wanted, () -> chat));
    }

    Optional<Vocabulary> find(String id) {
        return QuarkusTransaction.requiringNew().call(() -> Vocabulary.findByIdOptional(id));
    }

    /** Newest first. */
    List<Vocabulary> list() {
        return QuarkusTransaction.requiringNew().call(() -> Vocabulary.list("order by createdAt desc, id"));
    }

    /** The tokenizer of a vocabulary, from memory where it was used lately. */
    BpeTokenizer tokenizer(Vocabulary vocabulary) {
        synchronized (loaded) {
            return loaded.computeIfAbsent(vocabulary.id, id -> BpeTokenizer.fromJson(vocabulary.json));
        }
    }

    /** Finds the vocabulary or makes it; where several wait for the same one, the first makes it and the others find it. */
    private CompletionStage<Made> make(Vocabulary wanted, Supplier<BpeTokenizer> maker) {
        Optional<Vocabulary> present = find(wanted.id);
        if (present.isPresent()) {
            return CompletableFuture.completedFuture(new Made(present.get(), false));
        }
        try {
            return CompletableFuture.supplyAsync(
                    () -> find(wanted.id)
                            .map(meanwhile -> new Made(meanwhile, false))
                            .orElseGet(() -> {
                                Vocabulary kept = keep(wanted, maker);
                                return new Made(kept, kept == wanted);
                            }),
                    training);
        } catch (RejectedExecutionException e) {
            throw ApiException.unavailable(
                    WAITING + " vocabularies wait to be trained already; ask again when some are done.");
        }
    }

    /** Makes a vocabulary and stores it; where another replica has done so meanwhile, that one. */
    private Vocabulary keep(Vocabulary wanted, Supplier<BpeTokenizer> maker) {
        long start = System.nanoTime();
        BpeTokenizer tokenizer = maker.get();
        wanted.seconds = (System.nanoTime() - start) / 1e9;
        wanted.size = tokenizer.vocabularySize();
        wanted.merges = tokenizer.mergeCount();
        wanted.sha256 = tokenizer.sha256();
        wanted.base = wanted.base == null ? wanted.sha256 : wanted.base;
        wanted.json = tokenizer.toJson();
        wanted.createdAt = Instant.now().truncatedTo(ChronoUnit.MILLIS);
        requireFitsRecord(wanted);
        Vocabulary kept = QuarkusTransaction.requiringNew().call(() -> {
            Claims.alone(wanted.id);
            return Vocabulary.<Vocabulary>findByIdOptional(wanted.id).orElseGet(() -> {
                wanted.persist();
                return wanted;
            });
        });
        LOG.infof("Vocabulary %s: %d ids, %d merges, %.2f s", kept.id, kept.size, kept.merges, kept.seconds);
        announcements.wake();
        return kept;
    }

    private BpeTokenizer train(Corpus corpus, int size) {
        BpeTrainer trainer = new BpeTrainer(size, SpecialTokens.ALL);
        try (Reader text = files.open(corpus)) {
            trainer.add(text);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read the text of corpus " + corpus.id, e);
        }
        return trainer.train((merges, wanted) -> {
            if (Thread.currentThread().isInterrupted()) {
                throw new CancellationException("the service is stopping");
            }
        });
    }

    /** The whole tokenizer travels in one record. */
    private static void requireFitsRecord(Vocabulary vocabulary) {
        int bytes = EventJson.write(vocabulary.event()).length;
        int most = Topics.TOKENIZERS.maxRecordBytes() - RECORD_OVERHEAD;
        if (bytes > most) {
            throw new ApiException(
                    422,
                    "vocab_size: a vocabulary of " + vocabulary.size + " ids from this corpus takes a record of "
                            + bytes + " bytes; at most " + most + " can be announced. Ask for a smaller one.",
                    "vocab_size",
                    "too_large");
        }
    }

    private static Thread trainingThread(Runnable work) {
        Thread thread = new Thread(work, "vocabulary-training");
        thread.setDaemon(true);
        return thread;
    }
}

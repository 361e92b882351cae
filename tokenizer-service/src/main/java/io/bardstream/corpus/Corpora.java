package io.bardstream.corpus;

import io.bardstream.event.EventJson;
import io.bardstream.event.Ids;
import io.quarkus.narayana.jta.QuarkusTransaction;
import jakarta.enterprise.context.ApplicationScoped;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;

/** The corpora: a file each, and a row that says what it is. */
@ApplicationScoped
class Corpora {
    /**
     * A corpus that was taken in.
     *
     * @param isNew whether its content was not there before
     */
    record Taken(Corpus corpus, boolean isNew) {}

    private final CorpusFiles files;
    private final CorpusSettings settings;

    Corpora(CorpusFiles files, CorpusSettings settings) {
        this.files = files;
        this.settings = settings;
    }

    /**
     * Takes a corpus in, or finds it there already. The file exists before its row does.
     *
     * @param source see {@link Corpus#source}
     * @param field see {@link CorpusFiles#take}
     */
    Taken take(String name, String source, InputStream text, String field, CorpusFiles.Wanted wanted)
            throws IOException {
        CorpusFiles.Text taken = files.take(text, field, settings.maxSize().asLongValue(), wanted);
        return record(name, source, wanted.kind(), taken);
    }

    private Taken record(String name, String source, String kind, CorpusFiles.Text text) {
        String id = Ids.of("corpus", kind, text.sha256());
        return QuarkusTransaction.requiringNew().call(() -> {
            Claims.alone(id);
            Corpus present = Corpus.findById(id);
            if (present != null) {
                return new Taken(present, false);
            }
            Corpus corpus = new Corpus();
            corpus.id = id;
            corpus.name = name;
            corpus.kind = kind;
            corpus.bytes = text.bytes();
            corpus.characters = text.characters();
            corpus.sha256 = text.sha256();
            corpus.source = source;
            corpus.createdAt = Instant.now().truncatedTo(ChronoUnit.MILLIS);
            if (text.instructions() != null) {
                corpus.entries = text.instructions().entries();
                corpus.skipped = text.instructions().skipped();
                corpus.problems = new String(EventJson.write(text.instructions().problems()), StandardCharsets.UTF_8);
            }
            corpus.persist();
            return new Taken(corpus, true);
        });
    }

    Optional<Corpus> find(String id) {
        return QuarkusTransaction.requiringNew().call(() -> Corpus.findByIdOptional(id));
    }

    /** Newest first. */
    List<Corpus> list() {
        return QuarkusTransaction.requiringNew().call(() -> Corpus.list("order by createdAt desc, id"));
    }
}

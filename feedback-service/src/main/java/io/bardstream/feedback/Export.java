package io.bardstream.feedback;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.bardstream.event.EventJson;
import io.bardstream.event.Generation;
import io.bardstream.event.GenerationRequest;
import io.bardstream.event.Preference.Choice;
import io.quarkus.narayana.jta.QuarkusTransaction;
import jakarta.enterprise.context.ApplicationScoped;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.stream.Stream;
import org.hibernate.Session;

/**
 * The votes that stand, as JSON lines that Hugging Face {@code datasets} and TRL load as they are. They come from a
 * cursor of the database, a few hundred at a time, so any number fits into any memory.
 */
@ApplicationScoped
class Export {
    private static final int AT_ONCE = 500;
    private static final int LONGEST_HOURS = 6;
    private static final byte[] LINE_END = {'\n'};

    private final Session database;

    Export(Session database) {
        this.database = database;
    }

    /** Writes the votes for one text or the other. */
    void decided(OutputStream out) {
        judged(Set.of(Choice.A, Choice.B), Judged::decided, out);
    }

    /** Writes the ties and both-bad votes. */
    void undecided(OutputStream out) {
        judged(Set.of(Choice.TIE, Choice.BOTH_BAD), Judged::undecided, out);
    }

    private void judged(Set<Choice> choices, Function<Judged, Object> line, OutputStream out) {
        write(
                "select v, c from Vote v join Comparison c on c.id = v.comparison"
                        + " where v.current and v.choice in ?1 order by v.createdAt, v.id",
                choices,
                (vote, comparison) -> line.apply(Judged.of((Vote) vote, (Comparison) comparison)),
                out);
    }

    /** A text with its thumb, in the words of TRL's trainers for unpaired preferences, as KTO's. */
    @JsonInclude(JsonInclude.Include.ALWAYS)
    record Thumbed(
            String prompt,
            String completion,
            boolean label,
            GenerationRequest.Format format,
            String generation,
            String checkpoint,
            String annotator,
            String comment,
            Instant at) {
        static Thumbed of(Thumb thumb, Generation text) {
            return new Thumbed(
                    text.prompt(),
                    text.text(),
                    thumb.up,
                    text.format(),
                    text.id(),
                    text.checkpoint(),
                    thumb.annotator,
                    thumb.comment,
                    thumb.at);
        }
    }

    /** Writes the thumbs whose texts are still kept. */
    void thumbs(OutputStream out) {
        write(
                "select t, g from Thumb t join StoredGeneration g on g.id = t.generation"
                        + " where t.up in ?1 order by t.at, t.generation, t.annotator",
                Set.of(true, false),
                (thumb, text) -> Thumbed.of((Thumb) thumb, ((StoredGeneration) text).generation()),
                out);
    }

    private void write(String rowsOf, Set<?> which, BiFunction<Object, Object, Object> line, OutputStream out) {
        QuarkusTransaction.requiringNew()
                .timeout((int) Duration.ofHours(LONGEST_HOURS).toSeconds())
                .run(() -> {
                    try (Stream<Object[]> rows = database.createSelectionQuery(rowsOf, Object[].class)
                            .setParameter(1, which)
                            .setReadOnly(true)
                            .setFetchSize(AT_ONCE)
                            .getResultStream()) {
                        rows.forEach(row -> {
                            write(line.apply(row[0], row[1]), out);
                            database.detach(row[0]);
                            database.detach(row[1]);
                        });
                    }
                });
    }

    private static void write(Object line, OutputStream out) {
        try {
            out.write(EventJson.write(line));
            out.write(LINE_END);
        } catch (IOException e) {
            throw new UncheckedIOException("the reader of an export is gone", e);
        }
    }
}

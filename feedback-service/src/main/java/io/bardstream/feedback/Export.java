package io.bardstream.feedback;

import io.bardstream.event.EventJson;
import io.bardstream.event.Preference.Choice;
import io.quarkus.narayana.jta.QuarkusTransaction;
import jakarta.enterprise.context.ApplicationScoped;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.Set;
import java.util.stream.Stream;
import org.hibernate.Session;

/**
 * The votes that stand, as JSON lines that Hugging Face {@code datasets} and TRL load as they are. They come from a cursor of the
 * database, a few hundred at a time, so any number fits into any memory.
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
        write(Set.of(Choice.A, Choice.B), Judged::decided, out);
    }

    /** Writes the ties and both-bad votes. */
    void undecided(OutputStream out) {
        write(Set.of(Choice.TIE, Choice.BOTH_BAD), Judged::undecided, out);
    }

    private interface Line {
        Object of(Judged judged);
    }

    private void write(Set<Choice> choices, Line line, OutputStream out) {
        QuarkusTransaction.requiringNew()
                .timeout((int) Duration.ofHours(LONGEST_HOURS).toSeconds())
                .run(() -> {
                    try (Stream<Object[]> rows = database.createSelectionQuery(
                                    "select v, c from Vote v join Comparison c on c.id = v.comparison"
                                            + " where v.current and v.choice in ?1 order by v.createdAt, v.id",
                                    Object[].class)
                            .setParameter(1, choices)
                            .setReadOnly(true)
                            .setFetchSize(AT_ONCE)
                            .getResultStream()) {
                        rows.forEach(row -> {
                            write(line.of(Judged.of((Vote) row[0], (Comparison) row[1])), out);
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

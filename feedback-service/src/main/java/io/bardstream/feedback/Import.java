package io.bardstream.feedback;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.bardstream.event.InvalidFieldException;
import io.bardstream.service.ApiException;
import io.bardstream.service.JsonBodies;
import io.bardstream.service.JsonLines;
import io.quarkus.narayana.jta.QuarkusTransaction;
import jakarta.enterprise.context.ApplicationScoped;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import org.hibernate.Session;

/**
 * Takes votes from outside: JSON lines as {@link Export} writes them, or of {@code prompt}, {@code chosen} and {@code rejected}
 * alone. All are taken or none, in one transaction with their records for {@code preferences}. The same line again, in the same
 * file or another, is the same vote. One line at a time is in memory.
 */
@ApplicationScoped
class Import {
    private static final int AT_ONCE = 200;
    private static final int LONGEST_HOURS = 6;

    private final Session database;
    private final Annotators annotators;
    private final Votes votes;
    private final FeedbackSettings settings;
    private final ObjectMapper json;
    private final Clock clock = Clock.systemUTC();

    Import(Session database, Annotators annotators, Votes votes, FeedbackSettings settings, ObjectMapper json) {
        this.database = database;
        this.annotators = annotators;
        this.votes = votes;
        this.settings = settings;
        this.json = json;
    }

    /**
     * @param lines that were read
     * @param imported votes that are new
     * @param known votes that were there before
     */
    public record Taken(long lines, long imported, long known) {}

    /**
     * Takes all lines.
     *
     * @throws ApiException 400 where one cannot be taken, naming the first of them with their numbers and reasons
     */
    Taken take(InputStream lines) throws IOException {
        Instant now = clock.instant();
        Path file = Files.createTempFile("preferences", ".jsonl");
        try {
            long most = settings.largestImport().asLongValue();
            Files.copy(
                    JsonBodies.bounded(lines, most, "bardstream.feedback.largest-import"),
                    file,
                    StandardCopyOption.REPLACE_EXISTING);
            SortedSet<String> handles = new TreeSet<>();
            long read = forEach(file, now, judged -> handles.add(judged.annotator()));
            long[] imported = {0};
            QuarkusTransaction.requiringNew()
                    .timeout((int) Duration.ofHours(LONGEST_HOURS).toSeconds())
                    .call(() -> {
                        Locks.take(Locks.IMPORTING, database);
                        handles.forEach(annotators::meet); // all, in order and first: nobody waits for them crosswise
                        return forEach(file, now, judged -> imported[0] += store(judged, imported[0]) ? 1 : 0);
                    });
            return new Taken(read, imported[0], read - imported[0]);
        } finally {
            Files.deleteIfExists(file);
        }
    }

    /** Does something with a line; throws an {@link InvalidFieldException} where the line cannot be taken. */
    private interface Step {
        void take(Judged judged);
    }

    /** Goes over all lines, the bad ones too, and returns how many there are; throws where one is bad. */
    private long forEach(Path file, Instant now, Step step) throws IOException {
        Problems problems = new Problems();
        try (InputStream in = Files.newInputStream(file)) {
            JsonLines.read(in, (number, line) -> {
                problems.lines++;
                try {
                    if (line == null) {
                        throw new InvalidFieldException("line", "has more than " + JsonLines.LONGEST + " bytes");
                    }
                    step.take(json.readValue(line, Judged.Line.class)
                            .judged(settings.longestText(), settings.longestComment(), now));
                } catch (JsonProcessingException e) {
                    ApiException reason = ApiException.unreadable(e);
                    problems.add(number, reason.param(), reason.getMessage());
                } catch (InvalidFieldException e) {
                    problems.add(number, e.field(), e.getMessage());
                }
            });
        }
        problems.refuse();
        return problems.lines;
    }

    /** False where the vote is there already. */
    private boolean store(Judged judged, long storedBefore) {
        if (storedBefore % AT_ONCE == 0) {
            database.flush();
            database.clear();
        }
        Comparison pair = Comparison.findById(judged.comparison());
        Vote known = Vote.findById(judged.id());
        if (pair != null && !judged.isOf(pair)) {
            throw new InvalidFieldException("comparison", "'" + pair.id + "' is here of other texts");
        } else if (known != null) {
            if (pair == null || !same(known, judged.vote(pair))) {
                throw new InvalidFieldException("id", "'" + known.id + "' is here another vote");
            }
            return false;
        }
        Optional<Vote> other = pair == null ? Optional.empty() : Vote.current(pair.id, judged.annotator());
        if (other.isPresent()) {
            throw new InvalidFieldException(
                    "annotator", "'" + judged.annotator() + "' has voted on these texts: " + other.get().id);
        }
        Comparison of = pair == null ? judged.newComparison(Comparison.Origin.IMPORT) : pair;
        of.persist();
        votes.store(judged.vote(of), of, null);
        return true;
    }

    private static boolean same(Vote known, Vote vote) {
        return known.comparison.equals(vote.comparison)
                && known.annotator.equals(vote.annotator)
                && known.choice == vote.choice
                && known.swapped == vote.swapped
                && Objects.equals(known.comment, vote.comment);
    }

    /** What is wrong with which lines. */
    private static final class Problems {
        private static final int TOLD = 10;

        private final List<String> told = new ArrayList<>();
        private String field;
        private long lines;
        private long bad;

        void add(long line, String wrongField, String reason) {
            if (bad++ == 0) {
                field = wrongField;
            }
            if (told.size() < TOLD) {
                told.add("line " + line + ": " + reason);
            }
        }

        void refuse() {
            if (lines == 0) {
                throw new ApiException(400, "body: holds no line", "body", null);
            }
            if (bad > 0) {
                String more = bad > TOLD ? "; and " + (bad - TOLD) + " others" : "";
                throw new ApiException(
                        400,
                        "%d of %d lines cannot be taken, so none was: %s%s."
                                .formatted(bad, lines, String.join("; ", told), more),
                        field,
                        "bad_lines");
            }
        }
    }
}

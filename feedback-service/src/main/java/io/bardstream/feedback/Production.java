package io.bardstream.feedback;

import io.bardstream.event.Generation;
import io.bardstream.event.Ids;
import io.bardstream.event.InvalidFieldException;
import io.bardstream.event.Preference.Choice;
import io.bardstream.service.ApiException;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.transaction.Transactional;
import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;

/**
 * Judgements on texts that were served to somebody. Thumbs stand beside the text; a corrected text makes a pair with
 * it, already judged, and a record of {@code preferences} like any vote. Of one person and text the newest of each
 * counts.
 *
 * <p>Callers wake the {@link Outbox} afterwards, outside the transaction.
 */
@ApplicationScoped
@Transactional
class Production {
    private final Annotators annotators;
    private final Votes votes;
    private final Clock clock = Clock.systemUTC();

    Production(Annotators annotators, Votes votes) {
        this.annotators = annotators;
        this.votes = votes;
    }

    /**
     * Takes thumbs, a correction, or both.
     *
     * @return whether anything of it is new
     * @throws ApiException 404 where the generation is not there
     */
    boolean judge(String id, String annotator, Thumb.Direction thumbs, String correction, String comment) {
        annotators.meet(annotator);
        Generation generation = StoredGeneration.required(id).generation();
        Instant now = clock.instant().truncatedTo(ChronoUnit.MICROS);
        boolean thumbIsNew = thumbs != null && point(id, annotator, thumbs == Thumb.Direction.UP, comment, now);
        boolean correctionIsNew = correction != null && correct(generation, annotator, correction, comment, now);
        return thumbIsNew || correctionIsNew;
    }

    private static boolean point(String generation, String annotator, boolean up, String comment, Instant now) {
        Optional<Thumb> before = Thumb.findByIdOptional(new Thumb.Key(generation, annotator));
        if (before.isPresent() && before.get().up == up && Objects.equals(before.get().comment, comment)) {
            return false;
        }
        Thumb thumb = before.orElseGet(Thumb::new);
        thumb.generation = generation;
        thumb.annotator = annotator;
        thumb.up = up;
        thumb.comment = comment;
        thumb.at = now;
        thumb.persist();
        return true;
    }

    private boolean correct(Generation served, String annotator, String correction, String comment, Instant now) {
        if (correction.equals(served.text())) {
            throw new InvalidFieldException("correction", "is the text that was served");
        }
        String pair = Ids.of("comparison", "correction", served.id(), annotator, correction);
        Optional<Vote> before = Vote.find(
                        "from Vote v where v.annotator = ?1 and v.current and v.comparison in"
                                + " (select c.id from Comparison c where c.origin = ?2 and c.secondGeneration = ?3)",
                        annotator,
                        Comparison.Origin.CORRECTION,
                        served.id())
                .firstResultOptional();
        if (before.isPresent()
                && before.get().comparison.equals(pair)
                && before.get().choice != Choice.SKIP
                && Objects.equals(before.get().comment, comment)) {
            return false;
        }
        Judged judged = new Judged(
                "vote-" + UUID.randomUUID(),
                pair,
                annotator,
                served.prompt(),
                served.format(),
                Choice.A,
                new Judged.Side(correction, null, null),
                new Judged.Side(served.text(), served.id(), served.checkpoint()),
                comment,
                now);
        Comparison corrected = Comparison.<Comparison>findByIdOptional(pair)
                .orElseGet(() -> judged.newComparison(Comparison.Origin.CORRECTION));
        corrected.persist();
        votes.store(judged.vote(corrected), corrected, before.orElse(null));
        before.filter(vote -> !vote.comparison.equals(pair))
                .ifPresent(vote -> votes.settle(Comparison.findById(vote.comparison)));
        return true;
    }
}

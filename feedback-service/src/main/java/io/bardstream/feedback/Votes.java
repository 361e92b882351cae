package io.bardstream.feedback;

import io.bardstream.event.Preference.Choice;
import io.bardstream.service.ApiException;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.LockModeType;
import jakarta.transaction.Transactional;
import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.hibernate.Session;

/**
 * Takes votes. A vote, its record for {@code preferences} and the comparison's new state are one transaction: what was
 * acknowledged stands in the table and will stand on the topic, exactly so. Votes of one annotator come one after the other, as
 * do those on one comparison, so the same vote sent twice at once is one vote.
 *
 * <p>Callers wake the {@link Outbox} afterwards, outside the transaction.
 */
@ApplicationScoped
@Transactional
class Votes {
    /** Choices that say something about the two texts. */
    static final Set<Choice> JUDGEMENTS = Set.of(Choice.A, Choice.B, Choice.TIE, Choice.BOTH_BAD);

    /** So many people who skip a pair take it out of the pool. */
    private static final int MOST_SKIPS = 3;

    private final Session database;
    private final Annotators annotators;
    private final FeedbackSettings settings;
    private final Clock clock = Clock.systemUTC();

    Votes(Session database, Annotators annotators, FeedbackSettings settings) {
        this.database = database;
        this.annotators = annotators;
        this.settings = settings;
    }

    /** @param isNew false where the same vote had been cast before */
    record Cast(Vote vote, boolean isNew) {}

    /**
     * Casts a vote.
     *
     * @param replace whether a different vote of this annotator on this comparison is to be replaced; the vote after an undo
     *     needs no such word
     * @throws ApiException 404 without such a comparison, 409 where there is a different vote and it is not to be replaced
     */
    Cast cast(String comparison, String annotator, Choice choice, String comment, boolean replace) {
        annotators.meet(annotator);
        Comparison judged = locked(comparison);
        Optional<Vote> before = Vote.current(comparison, annotator);
        if (before.isPresent() && !before.get().undone) {
            Vote same = before.get();
            if (same.choice == choice && Objects.equals(same.comment, comment)) {
                return new Cast(same, false);
            } else if (!replace) {
                throw ApiException.conflict(
                        "'%s' has voted '%s' on this comparison before; send \"replace\": true to change that."
                                .formatted(annotator, same.choice.label()),
                        "choice");
            }
        }
        return new Cast(record(judged, annotator, choice, comment, before.orElse(null), false), true);
    }

    /**
     * Takes an annotator's vote on a comparison back. On the topic an undo is a skip that supersedes the vote, which
     * every reader understands; here the annotator is asked again. Undoing twice is undoing once.
     *
     * @return the comparison to be judged again
     * @throws ApiException 404 where this annotator has not voted on it
     */
    Shown undo(String comparison, String annotator) {
        annotators.meet(annotator);
        Comparison judged = locked(comparison);
        Vote vote = Vote.current(comparison, annotator)
                .orElseThrow(() -> ApiException.notFound("vote of '" + annotator + "' on comparison", comparison));
        if (!vote.undone) {
            record(judged, annotator, Choice.SKIP, null, vote, true);
            Instant now = clock.instant();
            database.createNativeQuery("""
                            insert into feedback.assignment (comparison, annotator, served_at, expires_at)
                            values (?1, ?2, ?3, ?4)
                            on conflict (comparison, annotator) do update set expires_at = excluded.expires_at
                            """)
                    .setParameter(1, comparison)
                    .setParameter(2, annotator)
                    .setParameter(3, vote.createdAt)
                    .setParameter(4, now.plus(settings.reservation()))
                    .executeUpdate();
        }
        return Shown.of(judged, annotator);
    }

    private static Comparison locked(String id) {
        return Comparison.<Comparison>find("id", id)
                .withLock(LockModeType.PESSIMISTIC_WRITE)
                .firstResultOptional()
                .orElseThrow(() -> ApiException.notFound("comparison", Require.printable(id)));
    }

    /** Writes down what an annotator says now. */
    private Vote record(
            Comparison comparison, String annotator, Choice choice, String comment, Vote before, boolean undone) {
        Vote vote = new Vote();
        vote.id = "vote-" + UUID.randomUUID();
        vote.comparison = comparison.id;
        vote.annotator = annotator;
        vote.choice = choice;
        vote.swapped = Sides.swapped(comparison.id, annotator);
        vote.comment = comment;
        vote.current = true;
        vote.undone = undone;
        vote.createdAt = clock.instant().truncatedTo(ChronoUnit.MICROS);
        vote.seconds = undone ? null : secondsSpent(comparison.id, annotator, vote.createdAt);
        store(vote, comparison, before);
        return vote;
    }

    /**
     * The row, the record to be published, the comparison's state.
     *
     * @param before the vote that this one supersedes, or null
     */
    void store(Vote vote, Comparison comparison, Vote before) {
        if (before != null) {
            vote.supersedes = before.id;
            before.current = false;
            before.flush(); // before the new one comes, for one is current at a time
        }
        vote.persistAndFlush();
        OutboxRecord.of(vote.preference(comparison)).persist();
        settle(comparison);
    }

    /** Makes a comparison's state what its current votes say. What came judged is never handed out. */
    void settle(Comparison comparison) {
        comparison.judgements =
                (int) Vote.count("comparison = ?1 and current and choice in ?2", comparison.id, JUDGEMENTS);
        if (comparison.origin != Comparison.Origin.POOL) {
            comparison.state = comparison.judgements > 0 ? Comparison.State.JUDGED : Comparison.State.WITHDRAWN;
        } else if (Vote.count("comparison = ?1 and current and choice = ?2", comparison.id, Choice.FLAG) > 0) {
            comparison.state = Comparison.State.FLAGGED;
        } else if (comparison.judgements >= comparison.annotators) {
            comparison.state = Comparison.State.JUDGED;
        } else if (comparison.state != Comparison.State.WITHDRAWN) {
            long skips = Vote.count(
                    "comparison = ?1 and current and not undone and choice = ?2", comparison.id, Choice.SKIP);
            comparison.state = skips >= MOST_SKIPS ? Comparison.State.SKIPPED : Comparison.State.OPEN;
        }
    }

    /** From the later of being handed the pair and voting on the one before; null for a pair that was not handed out. */
    private Double secondsSpent(String comparison, String annotator, Instant now) {
        Instant begin = database.createNativeQuery("""
                        select greatest(served_at, (select max(created_at) from feedback.vote where annotator = ?2))
                        from feedback.assignment where comparison = ?1 and annotator = ?2
                        """, Instant.class)
                .setParameter(1, comparison)
                .setParameter(2, annotator)
                .getSingleResultOrNull();
        return begin == null ? null : (now.toEpochMilli() - begin.toEpochMilli()) / 1000.0;
    }
}

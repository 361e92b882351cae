package io.bardstream.feedback;

import io.bardstream.event.Preference.Choice;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.EntityManager;
import jakarta.transaction.Transactional;
import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;

/** Who judges, how far each has come, and what they have said. */
@ApplicationScoped
@Transactional
class Annotators {
    /** So much of the history is given at once. */
    static final int MOST_OF_HISTORY = 100;

    private final EntityManager database;
    private final Clock clock = Clock.systemUTC();

    Annotators(EntityManager database) {
        this.database = database;
    }

    /**
     * What an annotator has done, undone votes left out.
     *
     * @param votes all current votes, of which {@code judged} say a, b, tie or both_bad
     * @param today votes since midnight, UTC
     */
    public record Progress(String annotator, long votes, long judged, long skipped, long flagged, long today) {}

    /** A vote that stands, with what it was about as the annotator saw it. */
    public record Past(
            String vote,
            String comparison,
            String prompt,
            String a,
            String b,
            Choice choice,
            String comment,
            Instant at) {}

    /**
     * Makes an annotator known, and until the end of the transaction holds up whatever else this one does. Nobody is asked for
     * more than the handle.
     */
    void meet(String handle) {
        database.createNativeQuery("""
                        insert into feedback.annotator (id, created_at, last_seen) values (?1, ?2, ?2)
                        on conflict (id) do update set last_seen = excluded.last_seen
                        """)
                .setParameter(1, Require.handle(handle, "annotator"))
                .setParameter(2, clock.instant())
                .executeUpdate();
    }

    Progress progress(String handle) {
        Instant midnight = clock.instant().truncatedTo(ChronoUnit.DAYS);
        return database.createQuery("""
                        select new io.bardstream.feedback.Annotators$Progress(
                            :annotator,
                            count(*),
                            count(*) filter (where v.choice in :judgements),
                            count(*) filter (where v.choice = :skip),
                            count(*) filter (where v.choice = :flag),
                            count(*) filter (where v.createdAt >= :midnight))
                        from Vote v where v.annotator = :annotator and v.current and not v.undone
                        """, Progress.class)
                .setParameter("annotator", Require.handle(handle, "annotator"))
                .setParameter("judgements", Votes.JUDGEMENTS)
                .setParameter("skip", Choice.SKIP)
                .setParameter("flag", Choice.FLAG)
                .setParameter("midnight", midnight)
                .getSingleResult();
    }

    /** The votes of an annotator that stand, newest first. */
    List<Past> history(String handle, int offset, int limit) {
        return database
                .createQuery(
                        "select v, c from Vote v join Comparison c on c.id = v.comparison"
                                + " where v.annotator = ?1 and v.current and not v.undone order by v.createdAt desc, v.id",
                        Object[].class)
                .setParameter(1, Require.handle(handle, "annotator"))
                .setFirstResult(offset)
                .setMaxResults(Math.min(limit, MOST_OF_HISTORY))
                .getResultList()
                .stream()
                .map(row -> past((Vote) row[0], (Comparison) row[1]))
                .toList();
    }

    private static Past past(Vote vote, Comparison comparison) {
        Shown shown = Shown.of(comparison, vote.swapped);
        return new Past(
                vote.id,
                comparison.id,
                shown.prompt(),
                shown.a(),
                shown.b(),
                vote.choice,
                vote.comment,
                vote.createdAt);
    }
}

package io.bardstream.feedback;

import io.bardstream.service.ApiException;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.transaction.Transactional;
import java.time.Clock;
import java.time.Instant;
import java.util.Optional;
import java.util.Set;
import org.hibernate.Session;

/**
 * Hands pairs to annotators. Nobody gets a pair they have judged, and no pair is with more people at once than are asked about
 * it: one that was handed out is kept for its annotator until it is judged or the reservation ends. Pairs are handed out one at
 * a time, in all replicas together, so two people who ask in the same moment get different ones.
 */
@ApplicationScoped
@Transactional
class Comparisons {
    /** So many pairs one annotator may hold: the one that is shown, those fetched ahead, and some from before a lost answer. */
    private static final int MOST_HELD = 4;

    /** Native queries take no empty list. */
    private static final Set<String> NONE = Set.of("");

    private final Session database;
    private final Annotators annotators;
    private final FeedbackSettings settings;
    private final Clock clock = Clock.systemUTC();

    Comparisons(Session database, Annotators annotators, FeedbackSettings settings) {
        this.database = database;
        this.annotators = annotators;
        this.settings = settings;
    }

    /**
     * The pair an annotator is to judge next: the one held for them for the longest, else a new one. Asking again gives
     * the same pair, with the same sides. To fetch ahead, name what is already at hand.
     *
     * @param except ids of comparisons that are not wanted
     * @return nothing where no pair waits
     */
    Optional<Shown> next(String annotator, Set<String> except) {
        Locks.take(Locks.ASSIGNING, database);
        annotators.meet(annotator);
        Instant now = clock.instant();
        Set<String> unwanted = except.isEmpty() ? NONE : except;
        return held(annotator, unwanted, now)
                .or(() -> holds(annotator, now) < MOST_HELD ? waiting(annotator, unwanted, now) : Optional.empty())
                .map(id -> {
                    hold(id, annotator, now);
                    return shown(id, annotator);
                });
    }

    /**
     * A pair as this annotator sees it.
     *
     * @throws ApiException 404 where there is none
     */
    Shown shown(String comparison, String annotator) {
        return Comparison.<Comparison>findByIdOptional(comparison)
                .map(found -> Shown.of(found, annotator))
                .orElseThrow(() -> ApiException.notFound("comparison", Require.printable(comparison)));
    }

    private static final String HELD = """
            from feedback.assignment a join feedback.comparison c on c.id = a.comparison
            where a.annotator = :annotator and a.expires_at > :now and c.state = 'OPEN'
              and not exists (select 1 from feedback.vote v
                              where v.comparison = c.id and v.annotator = :annotator and v.current and not v.undone)
            """;

    private Optional<String> held(String annotator, Set<String> except, Instant now) {
        return database.createNativeQuery(
                        "select c.id " + HELD + " and c.id not in (:except) order by a.served_at, c.id limit 1",
                        String.class)
                .setParameter("annotator", annotator)
                .setParameter("now", now)
                .setParameter("except", except)
                .getResultStream()
                .findFirst();
    }

    private long holds(String annotator, Instant now) {
        return database.createNativeQuery("select count(*) " + HELD, Long.class)
                .setParameter("annotator", annotator)
                .setParameter("now", now)
                .getSingleResult();
    }

    /**
     * Of the open pairs with a seat free the one the newest reward model is least sure of, where there are scores; then
     * one that others have begun on; then the oldest.
     */
    private Optional<String> waiting(String annotator, Set<String> except, Instant now) {
        return database.createNativeQuery("""
                        select c.id from feedback.comparison c
                        left join lateral (
                            select abs(f.value - s.value) as margin
                            from feedback.score f join feedback.score s on s.reward_model = f.reward_model
                            where f.generation_id = c.first_generation and s.generation_id = c.second_generation
                              and f.reward_model = (select reward_model from feedback.score order by at desc limit 1)
                        ) scored on true
                        where c.state = 'OPEN' and c.id not in (:except)
                          and not exists (select 1 from feedback.vote v
                                          where v.comparison = c.id and v.annotator = :annotator and v.current)
                          and c.judgements + (
                              select count(*) from feedback.assignment a
                              where a.comparison = c.id and a.annotator <> :annotator and a.expires_at > :now
                                and not exists (select 1 from feedback.vote v
                                                where v.comparison = a.comparison and v.annotator = a.annotator
                                                  and v.current and not v.undone)
                          ) < c.annotators
                        order by scored.margin nulls last, c.judgements desc, c.created_at, c.id limit 1
                        """, String.class)
                .setParameter("annotator", annotator)
                .setParameter("except", except)
                .setParameter("now", now)
                .getResultStream()
                .findFirst();
    }

    private void hold(String comparison, String annotator, Instant now) {
        database.createNativeMutationQuery("""
                        insert into feedback.assignment (comparison, annotator, served_at, expires_at)
                        values (?1, ?2, ?3, ?4)
                        on conflict (comparison, annotator) do update set
                            served_at = case when assignment.expires_at > excluded.served_at
                                        then assignment.served_at else excluded.served_at end,
                            expires_at = excluded.expires_at
                        """)
                .setParameter(1, comparison)
                .setParameter(2, annotator)
                .setParameter(3, now)
                .setParameter(4, now.plus(settings.reservation()))
                .executeUpdate();
    }
}

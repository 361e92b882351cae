package io.bardstream.feedback;

import io.bardstream.event.Preference.Choice;
import io.bardstream.service.Share;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.transaction.Transactional;
import java.time.Clock;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.hibernate.Session;

/**
 * What the votes that stand say about the people and the form: whether they agree, whether the left side wins too often, how
 * long they take. Of votes on the pool's pairs; what was brought from outside was shown by somebody else.
 */
@ApplicationScoped
@Transactional
class Statistics {
    private static final int DAYS = 30;

    private static final String VOTES = " from feedback.vote v join feedback.comparison c on c.id = v.comparison"
            + " where v.current and not v.undone and c.origin = 'POOL' ";

    private static final String JUDGED = " and v.choice in ('A', 'B', 'TIE', 'BOTH_BAD') ";

    private final Session database;
    private final Clock clock = Clock.systemUTC();

    Statistics(Session database) {
        this.database = database;
    }

    /**
     * @param votes all votes that stand
     * @param choices how often each was chosen
     * @param left how often A, the left text, was chosen over B
     * @param secondsPerVote median
     * @param brought pairs that came judged: corrections and imports
     * @param days votes of each of the last 30 days, UTC, oldest first
     */
    public record Report(
            long votes,
            Map<Choice, Long> choices,
            Agreement agreement,
            Share left,
            Double secondsPerVote,
            Waiting pool,
            long brought,
            List<OfAnnotator> annotators,
            List<Day> days) {}

    /**
     * @param open pairs that may be handed out
     * @param fresh of these, pairs that nobody holds or has judged
     * @param asked pairs that inference was asked for
     */
    public record Waiting(long open, long fresh, long asked) {}

    /** @param agreement how often the others who judged the same pairs said the same */
    public record OfAnnotator(
            String annotator,
            long votes,
            long judged,
            Share left,
            Double secondsPerVote,
            Share agreement,
            Instant last) {}

    /** The votes of a day. */
    public record Day(LocalDate day, long votes) {}

    Report report() {
        Map<String, List<Judgement>> comparable = comparable();
        Map<Choice, Long> choices = choices();
        return new Report(
                choices.values().stream().mapToLong(Long::longValue).sum(),
                choices,
                Agreement.of(
                        comparable.values().stream().map(Statistics::counts).toList()),
                Share.of(choices.get(Choice.A), choices.get(Choice.A) + choices.get(Choice.B)),
                database.createNativeQuery(
                                "select percentile_cont(0.5) within group (order by v.seconds)" + VOTES, Double.class)
                        .getSingleResultOrNull(),
                waiting(),
                Comparison.count("origin <> ?1", Comparison.Origin.POOL),
                annotators(comparable),
                days());
    }

    private Map<Choice, Long> choices() {
        Map<Choice, Long> choices = new LinkedHashMap<>();
        for (Choice choice : Choice.values()) {
            choices.put(choice, 0L);
        }
        database.createNativeQuery("select v.choice, count(*)" + VOTES + "group by v.choice", Object[].class)
                .getResultList()
                .forEach(row -> choices.put(Choice.valueOf((String) row[0]), (Long) row[1]));
        return choices;
    }

    /** What an annotator said of a pair, whichever side it was on. */
    private record Judgement(String annotator, int category) {}

    private static final int CATEGORIES = 4; // the first text, the second, a tie, both bad

    /** The judgements on pairs that two people or more have judged, by pair. */
    private Map<String, List<Judgement>> comparable() {
        Map<String, List<Judgement>> comparable = new HashMap<>();
        database.createNativeQuery(
                        "select v.comparison, v.annotator, case v.choice when 'TIE' then 2 when 'BOTH_BAD' then 3"
                                + " else case when (v.choice = 'A') = v.swapped then 1 else 0 end end"
                                + VOTES + JUDGED + "and c.judgements > 1",
                        Object[].class)
                .getResultList()
                .forEach(row -> comparable
                        .computeIfAbsent((String) row[0], comparison -> new ArrayList<>())
                        .add(new Judgement((String) row[1], (Integer) row[2])));
        return comparable;
    }

    private static int[] counts(List<Judgement> judgements) {
        int[] counts = new int[CATEGORIES];
        judgements.forEach(judgement -> counts[judgement.category()]++);
        return counts;
    }

    private Waiting waiting() {
        Object[] pool = database.createNativeQuery(
                        "select count(*), count(*) filter (where " + Pool.FRESH
                                + "), (select count(*) from feedback.generation_request where state = 'ASKED')"
                                + " from feedback.comparison c where c.state = 'OPEN'",
                        Object[].class)
                .setParameter("now", clock.instant())
                .getSingleResult();
        return new Waiting((Long) pool[0], (Long) pool[1], (Long) pool[2]);
    }

    private List<OfAnnotator> annotators(Map<String, List<Judgement>> comparable) {
        Map<String, long[]> agreed = new HashMap<>(); // how often others said the same, and how many others there were
        for (List<Judgement> judgements : comparable.values()) {
            int[] counts = counts(judgements);
            for (Judgement own : judgements) {
                long[] sums = agreed.computeIfAbsent(own.annotator(), annotator -> new long[2]);
                sums[0] += counts[own.category()] - 1;
                sums[1] += judgements.size() - 1;
            }
        }
        return database
                .createNativeQuery("""
                        select v.annotator, count(*), count(*) filter (where v.choice in ('A', 'B', 'TIE', 'BOTH_BAD')),
                               count(*) filter (where v.choice = 'A'), count(*) filter (where v.choice in ('A', 'B')),
                               percentile_cont(0.5) within group (order by v.seconds), max(v.created_at)
                        """ + VOTES + "group by v.annotator order by 2 desc, 1", Object[].class)
                .getResultList()
                .stream()
                .map(row -> {
                    long[] sums = agreed.getOrDefault((String) row[0], new long[2]);
                    return new OfAnnotator(
                            (String) row[0],
                            (Long) row[1],
                            (Long) row[2],
                            Share.of((Long) row[3], (Long) row[4]),
                            (Double) row[5],
                            Share.of(sums[0], sums[1]),
                            (Instant) row[6]);
                })
                .toList();
    }

    private List<Day> days() {
        LocalDate today = LocalDate.ofInstant(clock.instant(), ZoneOffset.UTC);
        Map<LocalDate, Long> votes = new HashMap<>();
        database.createNativeQuery(
                        "select cast(v.created_at at time zone 'UTC' as date), count(*)" + VOTES
                                + "and v.created_at >= :since group by 1",
                        Object[].class)
                .setParameter("since", today.minusDays(DAYS - 1).atStartOfDay().toInstant(ZoneOffset.UTC))
                .getResultList()
                .forEach(row -> votes.put((LocalDate) row[0], (Long) row[1]));
        return today.minusDays(DAYS - 1)
                .datesUntil(today.plus(1, ChronoUnit.DAYS))
                .map(day -> new Day(day, votes.getOrDefault(day, 0L)))
                .toList();
    }
}

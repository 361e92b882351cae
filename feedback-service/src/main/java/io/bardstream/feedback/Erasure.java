package io.bardstream.feedback;

import io.bardstream.event.Checkpoint;
import io.bardstream.event.Stage;
import io.bardstream.event.Topics;
import io.bardstream.event.Topics.Topic;
import io.bardstream.service.ApiException;
import io.quarkus.narayana.jta.runtime.TransactionConfiguration;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.LockModeType;
import jakarta.transaction.Transactional;
import java.util.List;
import java.util.Set;
import org.hibernate.Session;

/**
 * Removes an annotator or a prompt and all that hangs on it: rows here, with those of the outbox, and by tombstones the
 * votes and generations on their topics. Every other record keeps its offset. It is one transaction, so an erasure that
 * was answered is complete here and will be on the topics.
 *
 * <p>Callers wake the {@link Outbox} afterwards, outside the transaction.
 */
@ApplicationScoped
@Transactional
@TransactionConfiguration(timeout = Erasure.LONGEST_SECONDS)
class Erasure {
    static final int LONGEST_SECONDS = 600;

    private final Session database;
    private final Votes votes;
    private final Influence influence;

    Erasure(Session database, Votes votes, Influence influence) {
        this.database = database;
        this.votes = votes;
        this.influence = influence;
    }

    /** A checkpoint that learned from what was erased. */
    public record Trained(String id, String model, Stage stage, String run) {
        static Trained of(Checkpoint checkpoint) {
            return new Trained(checkpoint.id(), checkpoint.model(), checkpoint.stage(), checkpoint.runId());
        }
    }

    /**
     * What was erased.
     *
     * @param votes all of them, changed ones too
     * @param comparisons pairs that went with them
     * @param generations texts, asked for by the pool or by people
     * @param checkpoints that learned from the votes; they stay as they are, and their runs cannot be made again exactly
     */
    public record Erased(int votes, int comparisons, int generations, List<Trained> checkpoints) {}

    /**
     * Erases an annotator: every vote and thumb, and the pairs that they alone have brought.
     *
     * @throws ApiException 404 where nobody has this handle
     */
    Erased annotator(String handle) {
        Annotator gone = Annotator.<Annotator>find("id", Require.handle(handle, "annotator"))
                .withLock(LockModeType.PESSIMISTIC_WRITE) // as a vote of theirs would
                .firstResultOptional()
                .orElseThrow(() -> ApiException.notFound("annotator", handle));
        List<String> shared = database.createNativeQuery("""
                        select c.id from feedback.comparison c where c.id in
                            (select v.comparison from feedback.vote v where v.annotator = ?1)
                        and (c.origin = 'POOL' or exists
                            (select 1 from feedback.vote v where v.comparison = c.id and v.annotator <> ?1))
                        order by c.id for update
                        """, String.class)
                .setParameter(1, handle)
                .getResultList();
        Gone theirs = eraseVotes("v.annotator = ?1", handle, null);
        int pairs = change("""
                delete from feedback.comparison c where c.origin <> 'POOL'
                and not exists (select 1 from feedback.vote v where v.comparison = c.id)
                """);
        shared.forEach(id -> votes.settle(Comparison.findById(id)));
        gone.delete();
        return new Erased(theirs.count(), pairs, 0, theirs.trained());
    }

    /**
     * Erases a prompt: every text after it, whoever asked for it, every pair of them and every vote on one. An answer that is
     * still to come is erased when it comes.
     *
     * @throws ApiException 404 where nothing is here of it
     */
    Erased prompt(String id) {
        Locks.take(Locks.STOCKING, database);
        database.createNativeQuery(
                        "select id from feedback.comparison where prompt = ?1 order by id for update", String.class)
                .setParameter(1, id)
                .getResultList();
        Gone theirs =
                eraseVotes("v.comparison in (select c.id from feedback.comparison c where c.prompt = ?1)", id, id);
        int texts = eraseGenerations(id);
        int pairs = change("delete from feedback.comparison where prompt = ?1", id);
        change(
                "delete from feedback.outbox where topic = ?2 and key in"
                        + " (select r.id from feedback.generation_request r where r.prompt = ?1)",
                id,
                Topics.GENERATION_REQUESTS.name());
        int asked = change(
                "update feedback.generation_request set state = 'CANCELLED' where prompt = ?1 and state <> 'CANCELLED'",
                id);
        int listed = change("delete from feedback.prompt where id = ?1", id);
        if (listed + asked + pairs + texts == 0) {
            throw ApiException.notFound("prompt", Require.printable(id));
        }
        return new Erased(theirs.count(), pairs, texts, theirs.trained());
    }

    private record Gone(int count, List<Trained> trained) {}

    /** Deletes these votes, and their records where those are not on the topic yet; the topic gets tombstones. */
    private Gone eraseVotes(String which, String of, String prompt) {
        List<String> ids = database.createNativeQuery("select v.id from feedback.vote v where " + which, String.class)
                .setParameter(1, of)
                .getResultList();
        List<Trained> trained = ids.isEmpty() && prompt == null
                ? List.of()
                : influence.of(Set.copyOf(ids), prompt).stream()
                        .map(Trained::of)
                        .toList();
        replaceByTombstones(Topics.PREFERENCES, "select v.id from feedback.vote v where " + which, of);
        change("delete from feedback.vote v where " + which, of);
        return new Gone(ids.size(), trained);
    }

    /** The texts that are here, and those that pairs name: they may be gone from here already and stand on the topic. */
    private int eraseGenerations(String prompt) {
        String which = """
                select id from feedback.generation where prompt = ?1
                union select first_generation from feedback.comparison where prompt = ?1 and first_generation is not null
                union select second_generation from feedback.comparison where prompt = ?1 and second_generation is not null
                """;
        change("delete from feedback.score where generation_id in (" + which + ")", prompt);
        change("delete from feedback.thumb where generation in (" + which + ")", prompt);
        int texts = replaceByTombstones(Topics.GENERATIONS, which, prompt);
        change("delete from feedback.generation where prompt = ?1", prompt);
        return texts;
    }

    private int replaceByTombstones(Topic<?> topic, String keys, String of) {
        change("delete from feedback.outbox where topic = ?2 and key in (" + keys + ")", of, topic.name());
        return change(
                "insert into feedback.outbox (topic, key, created_at) select cast(?2 as text), k.id, now() from ("
                        + keys + ") as k (id)",
                of,
                topic.name());
    }

    private int change(String sql, Object... parameters) {
        var query = database.createNativeMutationQuery(sql);
        for (int i = 0; i < parameters.length; i++) {
            query.setParameter(i + 1, parameters[i]);
        }
        return query.executeUpdate();
    }
}

package io.bardstream.reward;

import io.bardstream.event.Generation;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.EntityManager;
import jakarta.transaction.Transactional;
import java.util.List;

/** What reward models thought of generations, and how far each has read. */
@ApplicationScoped
@Transactional
class Scores {
    private final EntityManager database;

    Scores(EntityManager database) {
        this.database = database;
    }

    /** The offset of a partition of {@code generations} that a model reads next. */
    long next(String rewardModel, int partition) {
        List<?> found = database.createNativeQuery(
                        "select next_offset from reward.scored_until where reward_model = ?1 and partition = ?2")
                .setParameter(1, rewardModel)
                .setParameter(2, partition)
                .getResultList();
        return found.isEmpty() ? 0 : ((Number) found.get(0)).longValue();
    }

    void next(String rewardModel, int partition, long offset) {
        database.createNativeQuery("""
                        insert into reward.scored_until (reward_model, partition, next_offset) values (?1, ?2, ?3)
                        on conflict (reward_model, partition) do update set next_offset = excluded.next_offset
                        """)
                .setParameter(1, rewardModel)
                .setParameter(2, partition)
                .setParameter(3, offset)
                .executeUpdate();
    }

    void store(String rewardModel, Generation generation, double value) {
        database.createNativeQuery("""
                        insert into reward.score (generation, reward_model, request, checkpoint, value)
                        values (?1, ?2, ?3, ?4, ?5)
                        on conflict (generation, reward_model) do update set value = excluded.value
                        """)
                .setParameter(1, generation.id())
                .setParameter(2, rewardModel)
                .setParameter(3, generation.requestId())
                .setParameter(4, generation.checkpoint())
                .setParameter(5, value)
                .executeUpdate();
    }

    /**
     * How much more one checkpoint's texts are worth than another's, on requests that both answered.
     *
     * @param texts requests
     * @param gain mean difference
     * @param error its standard error
     */
    record Gain(int texts, double gain, double error) {}

    Gain gain(String rewardModel, String candidate, String promoted) {
        Object[] row = (Object[]) database.createNativeQuery("""
                        select count(*), coalesce(avg(a.value - b.value), 0),
                               coalesce(stddev_samp(a.value - b.value), 0)
                        from reward.score a join reward.score b on b.request = a.request and b.reward_model = a.reward_model
                        where a.reward_model = ?1 and a.checkpoint = ?2 and b.checkpoint = ?3
                        """)
                .setParameter(1, rewardModel)
                .setParameter(2, candidate)
                .setParameter(3, promoted)
                .getSingleResult();
        int texts = ((Number) row[0]).intValue();
        double deviation = ((Number) row[2]).doubleValue();
        return new Gain(texts, ((Number) row[1]).doubleValue(), texts == 0 ? 0 : deviation / Math.sqrt(texts));
    }
}

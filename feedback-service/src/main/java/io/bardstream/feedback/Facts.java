package io.bardstream.feedback;

import io.bardstream.event.Checkpoint;
import io.bardstream.event.EventJson;
import io.bardstream.event.Generation;
import io.bardstream.event.Promotion;
import io.bardstream.event.Score;
import io.bardstream.event.Topics;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.EntityManager;
import jakarta.transaction.Transactional;
import java.nio.charset.StandardCharsets;

/**
 * What the topics have told, by natural id: storing a fact twice changes nothing. A generation never changes, so its
 * first record stays; of a checkpoint and a score the newest does.
 */
@ApplicationScoped
@Transactional
class Facts {
    private final EntityManager database;

    Facts(EntityManager database) {
        this.database = database;
    }

    /** An answer to a request whose prompt was erased meanwhile is erased too. */
    void store(Generation generation) {
        if (PoolRequest.count("id = ?1 and state = ?2", generation.requestId(), PoolRequest.State.CANCELLED) > 0) {
            OutboxRecord.tombstone(Topics.GENERATIONS, generation.id()).persist();
            return;
        }
        database.createQuery("insert into StoredGeneration(id, requestId, prompt, checkpoint, http, fact, at)"
                        + " values (?1, ?2, ?3, ?4, ?5, ?6, ?7) on conflict(id) do nothing")
                .setParameter(1, generation.id())
                .setParameter(2, generation.requestId())
                .setParameter(3, Prompt.idOf(generation.prompt()))
                .setParameter(4, generation.checkpoint())
                .setParameter(5, generation.isOverHttp())
                .setParameter(6, json(generation))
                .setParameter(7, generation.at())
                .executeUpdate();
    }

    /** An erasure: the text goes, whoever asked for it. */
    void erase(String generation) {
        StoredGeneration.deleteById(generation);
    }

    void store(Checkpoint checkpoint) {
        database.createQuery(
                        "insert into StoredCheckpoint(id, stage, fact, at) values (?1, ?2, ?3, ?4)"
                                + " on conflict(id) do update set stage = excluded.stage, fact = excluded.fact, at = excluded.at")
                .setParameter(1, checkpoint.id())
                .setParameter(2, checkpoint.stage())
                .setParameter(3, json(checkpoint))
                .setParameter(4, checkpoint.at())
                .executeUpdate();
    }

    void store(Promotion promotion, long topicOffset) {
        database.createQuery("insert into StoredPromotion(topicOffset, model, checkpoint, fact, at)"
                        + " values (?1, ?2, ?3, ?4, ?5) on conflict(topicOffset) do nothing")
                .setParameter(1, topicOffset)
                .setParameter(2, promotion.model())
                .setParameter(3, promotion.checkpoint())
                .setParameter(4, json(promotion))
                .setParameter(5, promotion.at())
                .executeUpdate();
    }

    void store(Score score) {
        database.createNativeQuery("""
                        insert into feedback.score (generation_id, reward_model, value, at) values (?1, ?2, ?3, ?4)
                        on conflict (generation_id, reward_model) do update set value = excluded.value, at = excluded.at
                        """)
                .setParameter(1, score.generationId())
                .setParameter(2, score.rewardModel())
                .setParameter(3, score.value())
                .setParameter(4, score.at())
                .executeUpdate();
    }

    static String json(Object fact) {
        return new String(EventJson.write(fact), StandardCharsets.UTF_8);
    }
}

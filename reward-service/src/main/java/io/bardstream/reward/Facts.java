package io.bardstream.reward;

import io.bardstream.event.Checkpoint;
import io.bardstream.event.Dataset;
import io.bardstream.event.EventJson;
import io.bardstream.event.Promotion;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.EntityManager;
import jakarta.transaction.Transactional;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * What the judge knows, by natural id: storing a fact twice changes nothing. Of a dataset the first manifest stays, of a
 * checkpoint the newest record.
 */
@ApplicationScoped
@Transactional
class Facts {
    private final EntityManager database;

    Facts(EntityManager database) {
        this.database = database;
    }

    void store(Dataset dataset) {
        database.createQuery("insert into KnownDataset(id, fact) values (?1, ?2) on conflict(id) do nothing")
                .setParameter(1, dataset.id())
                .setParameter(2, json(dataset))
                .executeUpdate();
    }

    void store(Checkpoint checkpoint) {
        database.createQuery("insert into KnownCheckpoint(id, fact) values (?1, ?2)"
                        + " on conflict(id) do update set fact = excluded.fact")
                .setParameter(1, checkpoint.id())
                .setParameter(2, json(checkpoint))
                .executeUpdate();
    }

    /** Stores a promotion that stands on the topic; one decided here is now known to stand there. */
    void store(Promotion promotion, long topicOffset) {
        database.createNativeQuery("""
                        insert into reward.known_promotion (id, model, fact, topic_offset, announced_at) values (?1, ?2, ?3, ?4, now())
                        on conflict (id) do update set
                            topic_offset = coalesce(known_promotion.topic_offset, excluded.topic_offset),
                            announced_at = coalesce(known_promotion.announced_at, excluded.announced_at)
                        """)
                .setParameter(1, KnownPromotion.id(promotion))
                .setParameter(2, promotion.model())
                .setParameter(3, json(promotion))
                .setParameter(4, topicOffset)
                .executeUpdate();
    }

    /** Decides, one decision at a time over all processes, and keeps what was decided until it is announced. */
    Optional<Promotion> decide(Instant now) {
        database.createNativeQuery("lock table reward.known_promotion in share row exclusive mode")
                .executeUpdate();
        Optional<Promotion> due = PromotionRule.due(checkpoints(), datasets(), serving(), now);
        due.ifPresent(promotion -> database.createNativeQuery(
                        "insert into reward.known_promotion (id, model, fact) values (?1, ?2, ?3)")
                .setParameter(1, KnownPromotion.id(promotion))
                .setParameter(2, promotion.model())
                .setParameter(3, json(promotion))
                .executeUpdate());
        return due;
    }

    /** Decisions that Kafka has not acknowledged, in the order in which they were made. */
    List<Promotion> toAnnounce() {
        return KnownPromotion.<KnownPromotion>list("announcedAt is null order by decided").stream()
                .map(KnownPromotion::promotion)
                .toList();
    }

    void announced(Promotion promotion) {
        KnownPromotion.update(
                "announcedAt = instant where id = ?1 and announcedAt is null", KnownPromotion.id(promotion));
    }

    /** All promotions, the one that serves first. */
    List<Promotion> promotions() {
        return KnownPromotion.<KnownPromotion>list(KnownPromotion.NEWEST_FIRST).stream()
                .map(KnownPromotion::promotion)
                .toList();
    }

    private Optional<Promotion> serving() {
        return KnownPromotion.<KnownPromotion>find("model = ?1 " + KnownPromotion.NEWEST_FIRST, Checkpoint.POLICY)
                .firstResultOptional()
                .map(KnownPromotion::promotion);
    }

    private List<Checkpoint> checkpoints() {
        return KnownCheckpoint.<KnownCheckpoint>listAll().stream()
                .map(KnownCheckpoint::checkpoint)
                .toList();
    }

    private Map<String, Dataset> datasets() {
        return KnownDataset.<KnownDataset>listAll().stream()
                .map(KnownDataset::dataset)
                .collect(Collectors.toMap(Dataset::id, Function.identity()));
    }

    private static String json(Object fact) {
        return new String(EventJson.write(fact), StandardCharsets.UTF_8);
    }
}

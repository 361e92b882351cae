package io.bardstream.reward;

import io.bardstream.event.Checkpoint;
import io.bardstream.event.Dataset;
import io.bardstream.event.EventJson;
import io.bardstream.event.Promotion;
import io.bardstream.event.PromotionDecision;
import io.bardstream.event.PromotionDecision.Outcome;
import io.bardstream.training.Facts;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.EntityManager;
import jakarta.transaction.Transactional;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/** What was promoted, decided here or elsewhere, by natural id: storing a promotion twice changes nothing. */
@ApplicationScoped
@Transactional
class Promotions {
    private final EntityManager database;
    private final Facts facts;

    Promotions(EntityManager database, Facts facts) {
        this.database = database;
        this.facts = facts;
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
        Optional<Promotion> due = PromotionRule.due(facts.checkpoints(), datasets(), serving(), now);
        due.ifPresent(this::insert);
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
    List<Promotion> all() {
        return KnownPromotion.<KnownPromotion>list(KnownPromotion.NEWEST_FIRST).stream()
                .map(KnownPromotion::promotion)
                .toList();
    }

    /** The newest promotion of the policy. */
    Optional<Promotion> serving() {
        return KnownPromotion.<KnownPromotion>find("model = ?1 " + KnownPromotion.NEWEST_FIRST, Checkpoint.POLICY)
                .firstResultOptional()
                .map(KnownPromotion::promotion);
    }

    /** What was decided of a candidate last, if anything was. */
    Optional<PromotionDecision> decided(String candidate) {
        List<?> found = database.createNativeQuery("select fact from reward.decision where candidate = ?1")
                .setParameter(1, candidate)
                .getResultList();
        return found.stream().map(Promotions::decision).findFirst();
    }

    /** What was decided of each candidate last, the newest first. */
    List<PromotionDecision> decisions() {
        List<?> found =
                database.createNativeQuery("select fact from reward.decision").getResultList();
        return found.stream()
                .map(Promotions::decision)
                .sorted(Comparator.comparing(PromotionDecision::at).reversed())
                .toList();
    }

    /**
     * Keeps a decision that stands on its topic; where it is to promote, the promotion with it, to be announced unless it stands
     * there already.
     */
    void decided(PromotionDecision decision) {
        database.createNativeQuery("""
                        insert into reward.decision (candidate, outcome, fact) values (?1, ?2, ?3)
                        on conflict (candidate) do update set outcome = excluded.outcome, fact = excluded.fact
                        """)
                .setParameter(1, decision.candidate())
                .setParameter(2, decision.outcome().label())
                .setParameter(3, json(decision))
                .executeUpdate();
        if (decision.outcome() == Outcome.PROMOTE) {
            insert(new Promotion(
                    Checkpoint.POLICY,
                    decision.candidate(),
                    decision.promoted(),
                    decision.reason(),
                    decision.evidence(),
                    decision.at()));
        }
    }

    /** Promotes a checkpoint because somebody says so. */
    Promotion byHand(Checkpoint checkpoint, String reason, Instant now) {
        Promotion promotion = new Promotion(
                Checkpoint.POLICY,
                checkpoint.id(),
                serving().map(Promotion::checkpoint).orElse(null),
                reason,
                Map.of("rule", "by-hand"),
                now.truncatedTo(ChronoUnit.MILLIS));
        insert(promotion);
        return promotion;
    }

    private void insert(Promotion promotion) {
        database.createNativeQuery(
                        "insert into reward.known_promotion (id, model, fact) values (?1, ?2, ?3) on conflict (id) do nothing")
                .setParameter(1, KnownPromotion.id(promotion))
                .setParameter(2, promotion.model())
                .setParameter(3, json(promotion))
                .executeUpdate();
    }

    /** Whether a reward model has asked for PPO. */
    boolean asked(String rewardModel) {
        return !database.createNativeQuery("select 1 from reward.asked where reward_model = ?1")
                .setParameter(1, rewardModel)
                .getResultList()
                .isEmpty();
    }

    /** Keeps that it has. */
    void asked(String rewardModel, String run) {
        database.createNativeQuery(
                        "insert into reward.asked (reward_model, run) values (?1, ?2) on conflict (reward_model) do nothing")
                .setParameter(1, rewardModel)
                .setParameter(2, run)
                .executeUpdate();
    }

    private Map<String, Dataset> datasets() {
        return facts.datasets().stream().collect(Collectors.toMap(Dataset::id, Function.identity()));
    }

    private static PromotionDecision decision(Object fact) {
        return EventJson.read(fact.toString().getBytes(StandardCharsets.UTF_8), PromotionDecision.class);
    }

    private static String json(Object fact) {
        return new String(EventJson.write(fact), StandardCharsets.UTF_8);
    }
}

package io.bardstream.reward;

import io.bardstream.event.EventJson;
import io.bardstream.event.Ids;
import io.bardstream.event.Promotion;
import io.quarkus.hibernate.orm.panache.PanacheEntityBase;
import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import java.nio.charset.StandardCharsets;
import java.time.Instant;

/** A promotion, decided here or elsewhere; the row of one decided here is the outbox of its announcement. */
@Entity
public class KnownPromotion extends PanacheEntityBase {
    /** What serves now comes first: decisions that have not come back from the topic, then the topic's own order. */
    static final String NEWEST_FIRST = "order by topicOffset desc nulls first, decided desc";

    @Id
    public String id;

    public String model;
    public String fact;

    @Column(insertable = false, updatable = false)
    public long decided;

    public Long topicOffset;
    public Instant announcedAt;

    Promotion promotion() {
        return EventJson.read(fact.getBytes(StandardCharsets.UTF_8), Promotion.class);
    }

    /** A promotion has no id of its own: what was promoted, and when, tells one from another. */
    static String id(Promotion promotion) {
        return Ids.of("promotion", promotion.model(), promotion.checkpoint(), promotion.at());
    }
}

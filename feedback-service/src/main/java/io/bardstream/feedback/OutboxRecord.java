package io.bardstream.feedback;

import io.bardstream.event.GenerationRequest;
import io.bardstream.event.Preference;
import io.bardstream.event.Topics;
import io.bardstream.event.Topics.Topic;
import io.quarkus.hibernate.orm.panache.PanacheEntityBase;
import jakarta.persistence.Entity;
import jakarta.persistence.GeneratedValue;
import jakarta.persistence.GenerationType;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;

/** A record to be published: stored in the transaction that made it a fact, announced afterwards. */
@Entity
@Table(name = "outbox")
public class OutboxRecord extends PanacheEntityBase {
    @Id
    @GeneratedValue(strategy = GenerationType.IDENTITY)
    public Long position;

    public String topic;
    public String key;
    public String fact; // null is a tombstone, and what was announced
    public Instant createdAt;
    public Instant announcedAt;

    static OutboxRecord of(Preference preference) {
        return of(Topics.PREFERENCES, preference.id(), preference);
    }

    static OutboxRecord of(GenerationRequest request) {
        return of(Topics.GENERATION_REQUESTS, request.id(), request);
    }

    /** A record that removes what stands under this key. */
    static OutboxRecord tombstone(Topic<?> topic, String key) {
        return of(topic, key, null);
    }

    private static OutboxRecord of(Topic<?> topic, String key, Object event) {
        OutboxRecord record = new OutboxRecord();
        record.topic = topic.name();
        record.key = key;
        record.fact = event == null ? null : Facts.json(event);
        record.createdAt = Instant.now();
        return record;
    }
}

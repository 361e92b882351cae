package io.bardstream.feedback;

import io.quarkus.hibernate.orm.panache.PanacheEntityBase;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;

/** A promotion, by its place on the topic; the last one of a model serves. */
@Entity
@Table(name = "promotion")
public class StoredPromotion extends PanacheEntityBase {
    @Id
    public Long topicOffset;

    public String model;
    public String checkpoint;
    public String fact;
    public Instant at;
}

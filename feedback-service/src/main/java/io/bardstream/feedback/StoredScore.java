package io.bardstream.feedback;

import io.quarkus.hibernate.orm.panache.PanacheEntityBase;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.IdClass;
import jakarta.persistence.Table;
import java.time.Instant;

/** What a reward model thinks of a generation. */
@Entity
@Table(name = "score")
@IdClass(StoredScore.Key.class)
public class StoredScore extends PanacheEntityBase {
    @Id
    public String generationId;

    @Id
    public String rewardModel;

    public double value;
    public Instant at;

    /** One score a generation and reward model. */
    public record Key(String generationId, String rewardModel) {}
}

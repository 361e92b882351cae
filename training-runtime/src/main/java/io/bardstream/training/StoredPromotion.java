package io.bardstream.training;

import io.quarkus.hibernate.orm.panache.PanacheEntityBase;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;

/** A checkpoint that was promoted, now or earlier. The newest of them are never pruned, see {@link Pruning}. */
@Entity
@Table(name = "promotion")
public class StoredPromotion extends PanacheEntityBase {
    @Id
    public String checkpoint;

    /** The last time. */
    public Instant at;
}

package io.bardstream.training;

import io.quarkus.hibernate.orm.panache.PanacheEntityBase;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;

/** A checkpoint that was promoted, now or earlier: it is never pruned. */
@Entity
@Table(name = "promotion")
public class StoredPromotion extends PanacheEntityBase {
    @Id
    public String checkpoint;
}

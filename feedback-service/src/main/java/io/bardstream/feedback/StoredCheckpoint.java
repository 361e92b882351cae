package io.bardstream.feedback;

import io.quarkus.hibernate.orm.panache.PanacheEntityBase;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;

/** A checkpoint that could be asked for answers. */
@Entity
@Table(name = "checkpoint")
public class StoredCheckpoint extends PanacheEntityBase {
    @Id
    public String id;

    public String fact;
    public Instant at;
}

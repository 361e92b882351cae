package io.bardstream.feedback;

import io.quarkus.hibernate.orm.panache.PanacheEntityBase;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;

/** Somebody who judges, by a handle of their own choice. */
@Entity
@Table(name = "annotator")
public class Annotator extends PanacheEntityBase {
    @Id
    public String id;

    public Instant createdAt;
    public Instant lastSeen;
}

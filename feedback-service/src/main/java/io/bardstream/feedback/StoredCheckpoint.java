package io.bardstream.feedback;

import io.bardstream.event.Checkpoint;
import io.bardstream.event.EventJson;
import io.bardstream.event.Stage;
import io.quarkus.hibernate.orm.panache.PanacheEntityBase;
import jakarta.persistence.Entity;
import jakarta.persistence.EnumType;
import jakarta.persistence.Enumerated;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.nio.charset.StandardCharsets;
import java.time.Instant;

/** A checkpoint that could be asked for answers. */
@Entity
@Table(name = "checkpoint")
public class StoredCheckpoint extends PanacheEntityBase {
    @Id
    public String id;

    @Enumerated(EnumType.STRING)
    public Stage stage;

    public String fact;
    public Instant at;

    Checkpoint checkpoint() {
        return EventJson.read(fact.getBytes(StandardCharsets.UTF_8), Checkpoint.class);
    }
}

package io.bardstream.reward;

import io.bardstream.event.Checkpoint;
import io.bardstream.event.EventJson;
import io.quarkus.hibernate.orm.panache.PanacheEntityBase;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import java.nio.charset.StandardCharsets;

/** A checkpoint, as it stands on the topic. */
@Entity
public class KnownCheckpoint extends PanacheEntityBase {
    @Id
    public String id;

    public String fact;

    Checkpoint checkpoint() {
        return EventJson.read(fact.getBytes(StandardCharsets.UTF_8), Checkpoint.class);
    }
}

package io.bardstream.feedback;

import io.bardstream.event.EventJson;
import io.bardstream.event.Generation;
import io.quarkus.hibernate.orm.panache.PanacheEntityBase;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.nio.charset.StandardCharsets;
import java.time.Instant;

/** A text that was served. Its words stand in the fact alone, as JSON: PostgreSQL's text holds no NUL, a generation may. */
@Entity
@Table(name = "generation")
public class StoredGeneration extends PanacheEntityBase {
    @Id
    public String id;

    public String requestId;
    public String prompt; // id of the prompt's text
    public String checkpoint;
    public String fact;
    public Instant at;

    Generation generation() {
        return EventJson.read(fact.getBytes(StandardCharsets.UTF_8), Generation.class);
    }
}

package io.bardstream.feedback;

import io.bardstream.event.EventJson;
import io.bardstream.event.Generation;
import io.bardstream.service.ApiException;
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

    /** Whether somebody asked for it over HTTP; such a one is kept for a time only. */
    public boolean http;

    public String fact;
    public Instant at;

    /** @throws ApiException 404 where it is not here, or not any more */
    static StoredGeneration required(String id) {
        return StoredGeneration.<StoredGeneration>findByIdOptional(id)
                .orElseThrow(() -> ApiException.notFound("generation", Require.printable(id)));
    }

    Generation generation() {
        return EventJson.read(fact.getBytes(StandardCharsets.UTF_8), Generation.class);
    }
}

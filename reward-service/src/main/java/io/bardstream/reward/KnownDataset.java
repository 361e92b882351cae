package io.bardstream.reward;

import io.bardstream.event.Dataset;
import io.bardstream.event.EventJson;
import io.quarkus.hibernate.orm.panache.PanacheEntityBase;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import java.nio.charset.StandardCharsets;

/** A dataset's manifest, as it stands on the topic. */
@Entity
public class KnownDataset extends PanacheEntityBase {
    @Id
    public String id;

    public String fact;

    Dataset dataset() {
        return EventJson.read(fact.getBytes(StandardCharsets.UTF_8), Dataset.class);
    }
}

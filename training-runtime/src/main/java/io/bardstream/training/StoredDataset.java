package io.bardstream.training;

import io.bardstream.event.Dataset;
import io.bardstream.event.EventJson;
import io.quarkus.hibernate.orm.panache.PanacheEntityBase;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.nio.charset.StandardCharsets;

/** A dataset's manifest. The first one of an id stays. */
@Entity
@Table(name = "dataset")
public class StoredDataset extends PanacheEntityBase {
    @Id
    public String id;

    public String kind;
    public String tokenizer;
    public String manifest;

    public StoredDataset() {}

    StoredDataset(Dataset dataset) {
        id = dataset.id();
        kind = dataset.kind().label();
        tokenizer = dataset.tokenizer();
        manifest = new String(EventJson.write(dataset), StandardCharsets.UTF_8);
    }

    public Dataset dataset() {
        return EventJson.read(manifest.getBytes(StandardCharsets.UTF_8), Dataset.class);
    }
}

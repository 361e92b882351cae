package io.bardstream.corpus;

import io.bardstream.event.Dataset;
import io.bardstream.event.DatasetKind;
import io.bardstream.event.EventJson;
import io.quarkus.hibernate.orm.panache.PanacheEntityBase;
import jakarta.persistence.Entity;
import jakarta.persistence.EnumType;
import jakarta.persistence.Enumerated;
import jakarta.persistence.Id;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Locale;
import java.util.Optional;

/**
 * A dataset that was asked for. The rows are the worker's queue and, once done, the manifests; a row found running while
 * nobody works on it is one that a crash cut short.
 */
@Entity
class DatasetOrder extends PanacheEntityBase {
    enum Status {
        QUEUED,
        RUNNING,
        DONE,
        FAILED;

        String label() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    @Id
    public String id;

    public String corpus;
    public String tokenizer;

    @Enumerated(EnumType.STRING)
    public DatasetKind kind;

    public double validationFraction;

    /** Of conversations; 0 where there is no test split. */
    public double testFraction;

    /** Of the draw of conversations; 0 for a text, of which nothing is drawn. */
    public long seed;

    @Enumerated(EnumType.STRING)
    public Status status;

    /** What went wrong, where it failed or waits to be tried again. */
    public String problem;

    /** The {@link Dataset} as JSON, once done. */
    public String manifest;

    public Instant createdAt;

    public Instant finishedAt;

    public Instant announcedAt;

    InstructionEmission.Draw draw() {
        return new InstructionEmission.Draw(validationFraction, testFraction, seed);
    }

    Optional<Dataset> dataset() {
        return Optional.ofNullable(manifest)
                .map(json -> EventJson.read(json.getBytes(StandardCharsets.UTF_8), Dataset.class));
    }
}

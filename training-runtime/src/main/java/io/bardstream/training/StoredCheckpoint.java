package io.bardstream.training;

import io.bardstream.checkpoint.Retention;
import io.bardstream.event.Checkpoint;
import io.bardstream.event.EventJson;
import io.quarkus.hibernate.orm.panache.PanacheEntityBase;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.nio.charset.StandardCharsets;
import java.time.Instant;

/** A checkpoint, written here or by another service. Its row is the outbox of its announcement. */
@Entity
@Table(name = "checkpoint")
public class StoredCheckpoint extends PanacheEntityBase {
    @Id
    public String id;

    public String runId;

    public String stage;
    public long step;

    public Double validationLoss;

    public String fact;
    public Instant at;

    public boolean toAnnounce;

    public Instant announcedAt;

    public Instant prunedAt;

    public StoredCheckpoint() {}

    StoredCheckpoint(Checkpoint checkpoint, boolean toAnnounce) {
        id = checkpoint.id();
        runId = checkpoint.runId();
        stage = checkpoint.stage().label();
        step = checkpoint.step();
        validationLoss = checkpoint.metrics().get(Checkpoint.VALIDATION_LOSS);
        fact = new String(EventJson.write(checkpoint), StandardCharsets.UTF_8);
        at = checkpoint.at();
        this.toAnnounce = toAnnounce;
    }

    public Checkpoint checkpoint() {
        return EventJson.read(fact.getBytes(StandardCharsets.UTF_8), Checkpoint.class);
    }

    Retention.Candidate candidate(boolean pinned) {
        return new Retention.Candidate(id, step, validationLoss, pinned);
    }
}

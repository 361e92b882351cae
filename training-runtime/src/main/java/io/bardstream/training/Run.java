package io.bardstream.training;

import io.bardstream.event.EventJson;
import io.bardstream.event.Stage;
import io.bardstream.event.TrainingRequest;
import io.quarkus.hibernate.orm.panache.PanacheEntityBase;
import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.EnumType;
import jakarta.persistence.Enumerated;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.nio.charset.StandardCharsets;
import java.time.Instant;

/** A run as it stands: what was asked for, how far it is, and who runs it. Its row is the outbox of its request. */
@Entity
@Table(name = "run")
public class Run extends PanacheEntityBase {
    @Id
    public String id;

    @Enumerated(EnumType.STRING)
    public Stage stage;

    public String dataset;
    public String parent;
    public String request;

    @Enumerated(EnumType.STRING)
    public RunStatus status;

    public long step;
    public long steps;
    public long tokens;

    @Column(name = "tokens_per_second")
    public Double tokensPerSecond;

    @Column(name = "seconds_left")
    public Double secondsLeft;

    @Column(name = "best_validation_loss")
    public Double bestValidationLoss;

    @Column(name = "bits_per_byte")
    public Double bitsPerByte;

    public String checkpoint;
    public String error;

    @Column(name = "cancel_requested")
    public boolean cancelRequested;

    @Column(name = "created_at")
    public Instant createdAt;

    @Column(name = "started_at")
    public Instant startedAt;

    @Column(name = "ended_at")
    public Instant endedAt;

    @Column(name = "announced_at")
    public Instant announcedAt;

    @Column(name = "lease_owner")
    public String leaseOwner;

    @Column(name = "lease_until")
    public Instant leaseUntil;

    public long fence;

    public Run() {}

    /** A run that waits for its turn. */
    Run(TrainingRequest request) {
        id = request.runId();
        stage = request.stage();
        dataset = request.dataset();
        parent = request.parent();
        this.request = new String(EventJson.write(request), StandardCharsets.UTF_8);
        status = RunStatus.QUEUED;
        steps = request.hyperparameters().steps();
        createdAt = request.at();
    }

    public TrainingRequest trainingRequest() {
        return EventJson.read(request.getBytes(StandardCharsets.UTF_8), TrainingRequest.class);
    }
}

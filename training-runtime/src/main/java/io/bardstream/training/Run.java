package io.bardstream.training;

import io.bardstream.event.EventJson;
import io.bardstream.event.Stage;
import io.bardstream.event.TrainingRequest;
import io.quarkus.hibernate.orm.panache.PanacheEntityBase;
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

    public Double tokensPerSecond;

    public Double secondsLeft;

    public Double bestValidationLoss;

    public Double bitsPerByte;

    public String checkpoint;
    public String error;

    /** What is wrong with the training, by its newest measurement; null while it is healthy. */
    public String verdict;

    public boolean cancelRequested;

    public Instant createdAt;

    public Instant startedAt;

    public Instant endedAt;

    public Instant announcedAt;

    public String leaseOwner;

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

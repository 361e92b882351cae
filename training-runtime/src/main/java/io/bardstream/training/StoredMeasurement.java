package io.bardstream.training;

import io.bardstream.event.EventJson;
import io.bardstream.event.StepMetrics;
import io.quarkus.hibernate.orm.panache.PanacheEntityBase;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.IdClass;
import jakarta.persistence.Table;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** What was measured at one step of a run. {@link #seq} grows with every write, so that a reader can follow a run. */
@Entity
@Table(name = "measurement")
@IdClass(StoredMeasurement.Key.class)
public class StoredMeasurement extends PanacheEntityBase {
    /** One measurement a step. */
    public record Key(String runId, long step) implements Serializable {}

    @Id
    public String runId;

    @Id
    public long step;

    public long seq;

    /** {@link StepMetrics} as JSON. */
    public String metrics;

    /** The measurements of a run that were written after {@code seq}, in the order of their writing. */
    static List<StoredMeasurement> after(String run, long seq, int most) {
        return StoredMeasurement.<StoredMeasurement>find("runId = ?1 and seq > ?2 order by seq", run, seq)
                .page(0, most)
                .list();
    }

    static String json(StepMetrics metrics) {
        return new String(EventJson.write(metrics), StandardCharsets.UTF_8);
    }
}

package io.bardstream.feedback;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import io.bardstream.event.InvalidFieldException;
import io.quarkus.hibernate.orm.panache.PanacheEntityBase;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.IdClass;
import jakarta.persistence.Table;
import java.time.Instant;
import java.util.Arrays;
import java.util.Locale;

/** What somebody thinks of one text that was served. */
@Entity
@Table(name = "thumb")
@IdClass(Thumb.Key.class)
public class Thumb extends PanacheEntityBase {
    /** Which way it points. */
    public enum Direction {
        UP,
        DOWN;

        @JsonValue
        public String label() {
            return name().toLowerCase(Locale.ROOT);
        }

        @JsonCreator
        public static Direction of(String label) {
            return Arrays.stream(values())
                    .filter(direction -> direction.label().equals(label))
                    .findFirst()
                    .orElseThrow(() -> new InvalidFieldException(
                            "thumbs", "'" + Require.printable(label) + "' is neither up nor down"));
        }
    }

    @Id
    public String generation;

    @Id
    public String annotator;

    public boolean up;
    public String comment;
    public Instant at;

    /** One thumb a person and generation. */
    public record Key(String generation, String annotator) {}
}

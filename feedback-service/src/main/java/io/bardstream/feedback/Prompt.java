package io.bardstream.feedback;

import io.bardstream.event.Ids;
import io.quarkus.hibernate.orm.panache.PanacheEntityBase;
import jakarta.persistence.Entity;
import jakarta.persistence.EnumType;
import jakarta.persistence.Enumerated;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;

/** A text for models to continue. Its id is a hash of the text, so adding it twice finds it there. */
@Entity
@Table(name = "prompt")
public class Prompt extends PanacheEntityBase {
    /** Who wrote it. */
    public enum Origin {
        BUNDLED,
        PERSON
    }

    @Id
    public String id;

    public String text;

    @Enumerated(EnumType.STRING)
    public Origin origin;

    public Instant createdAt;
    public Instant askedAt; // when the pool last asked for texts after it

    static String idOf(String text) {
        return Ids.of("prompt", text);
    }
}

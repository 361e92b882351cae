package io.bardstream.corpus;

import io.quarkus.hibernate.orm.panache.PanacheEntityBase;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import java.time.Instant;

/** A text that was taken in. Its id is a hash of its content, so the same text under another name is the same corpus. */
@Entity
class Corpus extends PanacheEntityBase {
    /** The one kind there is so far: running text. */
    static final String TEXT = "text";

    @Id
    public String id;

    public String name;
    public String kind;
    public long bytes;

    /** Unicode code points. */
    public long characters;

    public String sha256;

    /** {@code upload}, {@code bundled}, or the URL it came from. */
    public String source;

    public Instant createdAt;
}

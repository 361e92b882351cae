package io.bardstream.corpus;

import io.quarkus.hibernate.orm.panache.PanacheEntityBase;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import java.time.Instant;

/** A text, instructions or labelled texts that were taken in. Its id is a hash of its content, so the same under another name is the same corpus. */
@Entity
class Corpus extends PanacheEntityBase {
    /** Running text. */
    static final String TEXT = "text";

    /** Instructions with their answers, kept as conversations. */
    static final String INSTRUCT = "instruct";

    /** Texts with labels, kept as conversations of a text and its label. */
    static final String CLASSIFY = "classify";

    @Id
    public String id;

    public String name;
    public String kind;
    public long bytes;

    /** Unicode code points. */
    public long characters;

    /** Of what was sent. */
    public String sha256;

    /** {@code upload}, {@code bundled}, or the URL it came from. */
    public String source;

    /** Conversations, of instructions. */
    public Long entries;

    /** Entries that were left out because they were bad, of instructions. */
    public Long skipped;

    /** The first {@link InstructionFile.Problem}s of those as JSON. */
    public String problems;

    public Instant createdAt;

    /** Whether it consists of conversations, which are drawn into splits one by one. */
    boolean hasConversations() {
        return !kind.equals(TEXT);
    }
}

package io.bardstream.feedback;

import io.quarkus.hibernate.orm.panache.PanacheEntityBase;
import jakarta.persistence.Entity;
import jakarta.persistence.EnumType;
import jakarta.persistence.Enumerated;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;

/** Two texts that the pool asked inference for, and what became of them. */
@Entity
@Table(name = "generation_request")
public class PoolRequest extends PanacheEntityBase {
    /** What became of it. */
    public enum State {
        ASKED,
        PAIRED,
        /** Both texts were the same. */
        EQUAL,
        /** No answer in time; one that comes late is taken all the same. */
        LOST,
        /** Its prompt was erased. */
        CANCELLED
    }

    @Id
    public String id;

    public String prompt;

    /** How often texts after this prompt were asked for in a row, because they came out equal. */
    public int attempt;

    @Enumerated(EnumType.STRING)
    public State state;

    public Instant askedAt;
    public Instant settledAt;

    void settle(State outcome, Instant now) {
        state = outcome;
        settledAt = now;
    }
}

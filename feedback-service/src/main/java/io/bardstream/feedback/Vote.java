package io.bardstream.feedback;

import io.bardstream.event.Preference;
import io.quarkus.hibernate.orm.panache.PanacheEntityBase;
import jakarta.persistence.Entity;
import jakarta.persistence.EnumType;
import jakarta.persistence.Enumerated;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;
import java.util.Optional;

/**
 * What an annotator said of a comparison, once. A changed vote is a further row that names the one before; the last of such a
 * chain is the current one.
 */
@Entity
@Table(name = "vote")
public class Vote extends PanacheEntityBase {
    @Id
    public String id;

    public String comparison;
    public String annotator;

    @Enumerated(EnumType.STRING)
    public Preference.Choice choice;

    /** Whether A was the comparison's second text. */
    public boolean swapped;

    public String comment;
    public String supersedes;
    public boolean current;

    /** A skip that says only that the vote before does not count; the annotator may vote again. */
    public boolean undone;

    /** How long it took, or null where that is not known. */
    public Double seconds;

    public Instant createdAt;

    static Optional<Vote> current(String comparison, String annotator) {
        return find("comparison = ?1 and annotator = ?2 and current", comparison, annotator)
                .firstResultOptional();
    }

    /** The vote as the topic tells it. */
    Preference preference(Comparison comparison) {
        Comparison.Texts texts = comparison.texts();
        return new Preference(
                id,
                comparison.id,
                annotator,
                choice,
                supersedes,
                texts.prompt(),
                comparison.format,
                swapped ? texts.second() : texts.first(),
                swapped ? texts.first() : texts.second(),
                swapped ? comparison.secondGeneration : comparison.firstGeneration,
                swapped ? comparison.firstGeneration : comparison.secondGeneration,
                swapped ? comparison.secondCheckpoint : comparison.firstCheckpoint,
                swapped ? comparison.firstCheckpoint : comparison.secondCheckpoint,
                comment,
                createdAt);
    }
}

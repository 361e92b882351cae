package io.bardstream.feedback;

import io.bardstream.event.EventJson;
import io.bardstream.event.GenerationRequest;
import io.bardstream.event.Ids;
import io.quarkus.hibernate.orm.panache.PanacheEntityBase;
import jakarta.persistence.Entity;
import jakarta.persistence.EnumType;
import jakarta.persistence.Enumerated;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.nio.charset.StandardCharsets;
import java.time.Instant;

/**
 * Two texts after one prompt, of which people say which is better. First and second is the order in which they came; who sees
 * which as A is decided for each annotator ({@link Sides}).
 */
@Entity
@Table(name = "comparison")
public class Comparison extends PanacheEntityBase {
    /** Where the two texts come from. */
    public enum Origin {
        /** Both were asked of inference to be judged. */
        POOL,
        /** One was served, the other is what somebody made of it. */
        CORRECTION,
        /** Both were brought from outside, already judged. */
        IMPORT
    }

    /** Whether it is still handed to people, and why not. */
    public enum State {
        OPEN,
        /** As many people as wanted have said what they think. */
        JUDGED,
        /** Somebody says that it should not be shown. */
        FLAGGED,
        /** Too many people had nothing to say about it. */
        SKIPPED,
        /** A checkpoint that wrote it is no longer of interest. */
        WITHDRAWN
    }

    /** What is compared, word for word. */
    record Texts(String prompt, String first, String second) {}

    @Id
    public String id;

    @Enumerated(EnumType.STRING)
    public Origin origin;

    public String prompt;

    /** How models were given the prompt, or null where that is not known. */
    @Enumerated(EnumType.STRING)
    public GenerationRequest.Format format;

    public String texts;
    public String firstGeneration;
    public String secondGeneration;
    public String firstCheckpoint;
    public String secondCheckpoint;

    @Enumerated(EnumType.STRING)
    public State state;

    /** How many people are asked about it. */
    public int annotators;

    public int judgements;
    public Instant createdAt;

    static String idOf(String first, String second) {
        return Ids.of("comparison", first, second);
    }

    Texts texts() {
        return EventJson.read(texts.getBytes(StandardCharsets.UTF_8), Texts.class);
    }
}

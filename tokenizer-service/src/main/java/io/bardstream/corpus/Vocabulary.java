package io.bardstream.corpus;

import io.bardstream.event.TokenizerPublished;
import io.bardstream.tokenizer.BpeTokenizer;
import io.quarkus.hibernate.orm.panache.PanacheEntityBase;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import java.time.Instant;

/** A vocabulary, whole. The row is its own outbox: {@code announcedAt} stays null until Kafka has acknowledged the record. */
@Entity
class Vocabulary extends PanacheEntityBase {
    @Id
    public String id;

    public String name;

    /** {@code bpe} or {@code gpt2}, see {@link Vocabularies.Kind}, or {@code chat}. */
    public String kind;

    /** The corpus it was learned from, or null. */
    public String corpus;

    /** The sha256 of the tokenizer.json that this one extends by tokens for turns; its own where it extends none. */
    public String base;

    /** Number of ids asked for. */
    public int requestedSize;

    /** Number of ids reached; less than asked for where no pair was left that occurs twice. */
    public int size;

    public int merges;
    public String sha256;

    /** The complete tokenizer.json. */
    public String json;

    /** How long the training took. */
    public double seconds;

    public Instant createdAt;

    public Instant announcedAt;

    TokenizerPublished event() {
        return new TokenizerPublished(
                id, name, base, size, BpeTokenizer.fromJson(json).specialTokens(), sha256, json, createdAt);
    }
}

package io.bardstream.training;

import io.bardstream.event.Checkpoint;
import io.bardstream.event.Dataset;
import io.bardstream.event.DatasetKind;
import io.bardstream.event.Promotion;
import io.bardstream.event.TokenizerPublished;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.EntityManager;
import jakarta.transaction.Transactional;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * What the topics have told: datasets, tokenizers, checkpoints and promotions, each stored once by its natural id; the first
 * record of an id stays. The tables can be read again from the topics at any time.
 */
@ApplicationScoped
@Transactional
public class Facts {
    private final EntityManager database;

    Facts(EntityManager database) {
        this.database = database;
    }

    public void store(Dataset dataset) {
        StoredDataset row = new StoredDataset(dataset);
        database.createQuery("insert into StoredDataset(id, kind, tokenizer, manifest) values (?1, ?2, ?3, ?4)"
                        + " on conflict(id) do nothing")
                .setParameter(1, row.id)
                .setParameter(2, row.kind)
                .setParameter(3, row.tokenizer)
                .setParameter(4, row.manifest)
                .executeUpdate();
    }

    void store(TokenizerPublished tokenizer) {
        StoredTokenizer row = new StoredTokenizer(tokenizer);
        database.createQuery("insert into StoredTokenizer(id, published) values (?1, ?2) on conflict(id) do nothing")
                .setParameter(1, row.id)
                .setParameter(2, row.published)
                .executeUpdate();
    }

    /** Stores a checkpoint that was announced, by this service or another. */
    public void store(Checkpoint checkpoint) {
        insert(new StoredCheckpoint(checkpoint, true));
        StoredCheckpoint.update(
                "announcedAt = instant where id = ?1 and announcedAt is null and toAnnounce", checkpoint.id());
    }

    /** Stores a checkpoint that no run here wrote, to be announced by {@link Announcements}. */
    public void add(Checkpoint checkpoint) {
        insert(new StoredCheckpoint(checkpoint, true));
    }

    void insert(StoredCheckpoint row) {
        database.createQuery(
                        "insert into StoredCheckpoint(id, runId, stage, step, validationLoss, fact, at, toAnnounce)"
                                + " values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) on conflict(id) do nothing")
                .setParameter(1, row.id)
                .setParameter(2, row.runId)
                .setParameter(3, row.stage)
                .setParameter(4, row.step)
                .setParameter(5, row.validationLoss)
                .setParameter(6, row.fact)
                .setParameter(7, row.at)
                .setParameter(8, row.toAnnounce)
                .executeUpdate();
    }

    void store(Promotion promotion) {
        database.createQuery("insert into StoredPromotion(checkpoint, at) values (?1, ?2)"
                        + " on conflict(checkpoint) do update set at = excluded.at where at < excluded.at")
                .setParameter(1, promotion.checkpoint())
                .setParameter(2, promotion.at())
                .executeUpdate();
    }

    public Optional<Dataset> dataset(String id) {
        return StoredDataset.<StoredDataset>findByIdOptional(id).map(StoredDataset::dataset);
    }

    public Optional<TokenizerPublished> tokenizer(String id) {
        return StoredTokenizer.<StoredTokenizer>findByIdOptional(id).map(StoredTokenizer::tokenizer);
    }

    /** The tokenizer whose tokenizer.json has this sha256. */
    public Optional<TokenizerPublished> tokenizerOf(String sha256) {
        return StoredTokenizer.<StoredTokenizer>listAll().stream()
                .map(StoredTokenizer::tokenizer)
                .filter(tokenizer -> tokenizer.sha256().equals(sha256))
                .findFirst();
    }

    /** A checkpoint that other services know of, pruned or not. */
    public Optional<Checkpoint> checkpoint(String id) {
        return StoredCheckpoint.<StoredCheckpoint>find("id = ?1 and toAnnounce", id)
                .firstResultOptional()
                .map(StoredCheckpoint::checkpoint);
    }

    /** Checkpoints that can be loaded, newest first. */
    public List<Checkpoint> checkpoints() {
        return StoredCheckpoint.<StoredCheckpoint>list("toAnnounce and prunedAt is null order by at desc, id desc")
                .stream()
                .map(StoredCheckpoint::checkpoint)
                .toList();
    }

    /** All datasets. */
    public List<Dataset> datasets() {
        return StoredDataset.<StoredDataset>listAll().stream()
                .map(StoredDataset::dataset)
                .toList();
    }

    /** Datasets of a kind whose tokenizer is known too, oldest first. */
    public List<Dataset> complete(DatasetKind kind) {
        return StoredDataset.<StoredDataset>list(
                        "kind = ?1 and tokenizer in (select t.id from StoredTokenizer t)", kind.label())
                .stream()
                .map(StoredDataset::dataset)
                .sorted(Comparator.comparing(Dataset::at))
                .toList();
    }
}

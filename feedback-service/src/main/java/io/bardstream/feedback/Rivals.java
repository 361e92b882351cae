package io.bardstream.feedback;

import io.bardstream.event.Checkpoint;
import io.bardstream.event.GenerationRequest;
import io.bardstream.event.Stage;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Which two checkpoints are compared now: a candidate with the promoted one, or the promoted one with itself, at another seed.
 *
 * @param format chat where both have learned to converse, else raw
 * @param since the promotion
 */
record Rivals(String a, String b, GenerationRequest.Format format, Instant since) {
    private static final Set<Stage> CANDIDATES = Set.of(Stage.DPO, Stage.PPO);

    /** Nothing where no checkpoint has been promoted. A candidate is the newest DPO or PPO checkpoint since the promotion. */
    static Optional<Rivals> now() {
        return StoredPromotion.<StoredPromotion>find("model = ?1 order by topicOffset desc", Checkpoint.POLICY)
                .firstResultOptional()
                .map(Rivals::of);
    }

    private static Rivals of(StoredPromotion promotion) {
        String promoted = promotion.checkpoint;
        String candidate = StoredCheckpoint.<StoredCheckpoint>find(
                        "stage in ?1 and at > ?2 and id <> ?3 order by at desc, id", CANDIDATES, promotion.at, promoted)
                .firstResultOptional()
                .map(checkpoint -> checkpoint.id)
                .orElse(promoted);
        boolean chat =
                StoredCheckpoint.count("id in ?1 and stage = ?2", List.of(promoted, candidate), Stage.PRETRAIN) == 0
                        && StoredCheckpoint.count("id", promoted) > 0;
        return new Rivals(
                candidate, promoted, chat ? GenerationRequest.Format.CHAT : GenerationRequest.Format.RAW, promotion.at);
    }

    List<String> checkpoints() {
        return List.of(a, b);
    }
}

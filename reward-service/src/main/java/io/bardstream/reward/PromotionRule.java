package io.bardstream.reward;

import io.bardstream.event.Checkpoint;
import io.bardstream.event.Dataset;
import io.bardstream.event.Promotion;
import io.bardstream.event.Stage;
import io.bardstream.event.TrainingRequest;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Which pretrained checkpoint of the curriculum serves: of the newest dataset that has any, the one with the fewest bits per
 * byte on the validation split.
 *
 * <p>It is promoted where none serves yet; where it is of the same dataset as the one that serves and has fewer bits per byte;
 * and where its dataset is newer. What was promoted by other means, by hand for instance, stands until the curriculum has a
 * dataset made after that promotion. Runs asked for by hand are not promoted, nor is a checkpoint whose dataset is not known yet
 * or whose validation split was not measured.
 *
 * <p>A pure function of facts: their order and their repetition do not matter, and asked again after its own promotion it has
 * nothing to add.
 */
public final class PromotionRule {
    /** Stands in the evidence of this rule's own promotions. */
    static final String NAME = "best-pretrain";

    private static final String RULE = "rule";

    /** Better is greater: a newer dataset, fewer bits, the earlier step; the id makes the order total. */
    private static final Comparator<Candidate> QUALITY = Comparator.comparing(
                    Candidate::dataset, Comparator.comparing(Dataset::at).thenComparing(Dataset::id))
            .thenComparing(Comparator.comparingDouble(Candidate::bitsPerByte).reversed())
            .thenComparing(Comparator.<Candidate>comparingLong(
                            candidate -> candidate.checkpoint().step())
                    .reversed())
            .thenComparing(candidate -> candidate.checkpoint().id());

    private PromotionRule() {}

    /** A checkpoint that may be promoted, with the dataset it was trained on. */
    private record Candidate(Checkpoint checkpoint, Dataset dataset) {
        double bitsPerByte() {
            return checkpoint.metrics().get(Checkpoint.BITS_PER_BYTE);
        }

        boolean sameDataset(Candidate other) {
            return dataset.id().equals(other.dataset.id());
        }
    }

    /**
     * The promotion that is due, if one is.
     *
     * @param checkpoints all that are known, of whatever stage
     * @param datasets all that are known, by id
     * @param serving the newest promotion, empty before the first
     * @param now when it is decided
     */
    public static Optional<Promotion> due(
            Collection<Checkpoint> checkpoints,
            Map<String, Dataset> datasets,
            Optional<Promotion> serving,
            Instant now) {
        Optional<Candidate> best = checkpoints.stream()
                .filter(PromotionRule::eligible)
                .filter(checkpoint -> datasets.containsKey(checkpoint.dataset()))
                .map(checkpoint -> new Candidate(checkpoint, datasets.get(checkpoint.dataset())))
                .max(QUALITY);
        if (best.isEmpty()) {
            return Optional.empty();
        }
        Candidate candidate = best.get();
        if (serving.isEmpty()) {
            return Optional.of(
                    promotion(candidate, null, null, "It is the first of the curriculum: " + says(candidate), now));
        }
        Promotion current = serving.get();
        if (!NAME.equals(current.evidence().get(RULE))) {
            return candidate.dataset().at().isAfter(current.at())
                    ? Optional.of(promotion(candidate, current, null, newer(candidate), now))
                    : Optional.empty();
        }
        Optional<Candidate> served = checkpoints.stream()
                .filter(checkpoint -> checkpoint.id().equals(current.checkpoint()))
                .filter(checkpoint -> eligible(checkpoint) && datasets.containsKey(checkpoint.dataset()))
                .map(checkpoint -> new Candidate(checkpoint, datasets.get(checkpoint.dataset())))
                .findFirst();
        if (served.isEmpty()) {
            return Optional.empty(); // promoted by this rule, so its facts are on their way
        }
        Candidate before = served.get();
        if (!candidate.sameDataset(before)) {
            return Optional.of(promotion(candidate, current, before, newer(candidate), now));
        }
        return candidate.bitsPerByte() < before.bitsPerByte()
                ? Optional.of(promotion(
                        candidate,
                        current,
                        before,
                        "It is better than %s: %s after %s"
                                .formatted(current.checkpoint(), says(candidate), bits(before)),
                        now))
                : Optional.empty();
    }

    private static boolean eligible(Checkpoint checkpoint) {
        Double bits = checkpoint.metrics().get(Checkpoint.BITS_PER_BYTE);
        return checkpoint.model().equals(Checkpoint.POLICY)
                && checkpoint.stage() == Stage.PRETRAIN
                && checkpoint.requestedBy().equals(TrainingRequest.CURRICULUM)
                && checkpoint.dataset() != null
                && bits != null
                && Double.isFinite(bits);
    }

    private static Promotion promotion(
            Candidate candidate, Promotion current, Candidate before, String reason, Instant now) {
        Checkpoint checkpoint = candidate.checkpoint();
        Map<String, Object> evidence = new LinkedHashMap<>();
        evidence.put(RULE, NAME);
        evidence.put("run_id", checkpoint.runId());
        evidence.put("step", checkpoint.step());
        evidence.put("dataset", checkpoint.dataset());
        evidence.put(Checkpoint.BITS_PER_BYTE, candidate.bitsPerByte());
        if (before != null) {
            evidence.put("previous_dataset", before.checkpoint().dataset());
            evidence.put("previous_" + Checkpoint.BITS_PER_BYTE, before.bitsPerByte());
        }
        return new Promotion(
                Checkpoint.POLICY,
                checkpoint.id(),
                current == null ? null : current.checkpoint(),
                reason,
                evidence,
                now.truncatedTo(ChronoUnit.MILLIS));
    }

    private static String newer(Candidate candidate) {
        return "Its dataset %s is newer: %s".formatted(candidate.dataset().id(), says(candidate));
    }

    private static String says(Candidate candidate) {
        return bits(candidate) + " bits per byte on the validation split";
    }

    private static String bits(Candidate candidate) {
        return String.format(Locale.ROOT, "%.4f", candidate.bitsPerByte());
    }
}

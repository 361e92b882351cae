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
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Which of the curriculum's pretrained and fine-tuned checkpoints serves: the best one, in this order:
 *
 * <ol>
 *   <li>what goes back to the newest pretraining dataset, its own or its ancestor's
 *   <li>fine-tuned before pretrained
 *   <li>on the newest dataset of its stage
 *   <li>with the fewest bits per byte on that dataset's validation split
 * </ol>
 *
 * <p>So a better checkpoint of the same dataset follows a worse one, instructions that were learned are kept until a model of
 * a newer text comes, and that one's instructions follow. What was promoted by other means, by hand for instance, stands until
 * the curriculum has a dataset made after that promotion. Runs asked for by hand are not promoted, nor is a checkpoint whose
 * dataset or ancestor is not known yet or whose validation split was not measured.
 *
 * <p>A pure function of facts: their order and their repetition do not matter, and asked again after its own promotion it has
 * nothing to add.
 */
public final class PromotionRule {
    /** Stands in the evidence of this rule's own promotions. */
    static final String NAME = "best-policy";

    private static final String RULE = "rule";

    /** By which a checkpoint deserves to serve in another's place; greater is better. */
    private static final Comparator<Candidate> MERIT = Comparator.comparing(Candidate::origin, newest())
            .thenComparing(Candidate::stage)
            .thenComparing(Candidate::dataset, newest())
            .thenComparing(Comparator.comparingDouble(Candidate::bitsPerByte).reversed());

    /** Of equals the earlier step; the id makes the order total. */
    private static final Comparator<Candidate> ORDER = MERIT.thenComparing(Comparator.<Candidate>comparingLong(
                            candidate -> candidate.checkpoint().step())
                    .reversed())
            .thenComparing(candidate -> candidate.checkpoint().id());

    private PromotionRule() {}

    private static Comparator<Dataset> newest() {
        return Comparator.comparing(Dataset::at).thenComparing(Dataset::id);
    }

    /**
     * A checkpoint that may be promoted.
     *
     * @param dataset it was trained on
     * @param origin the dataset that it, or the ancestor it was tuned from, was pretrained on
     */
    private record Candidate(Checkpoint checkpoint, Dataset dataset, Dataset origin) {
        Stage stage() {
            return checkpoint.stage(); // in the order of the stages
        }

        double bitsPerByte() {
            return checkpoint.metrics().get(Checkpoint.BITS_PER_BYTE);
        }

        /** The newest of the datasets behind it. */
        Instant at() {
            return dataset.at().isAfter(origin.at()) ? dataset.at() : origin.at();
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
        Map<String, Checkpoint> byId = new HashMap<>();
        checkpoints.forEach(checkpoint -> byId.put(checkpoint.id(), checkpoint));
        Optional<Candidate> best = checkpoints.stream()
                .flatMap(checkpoint -> candidate(checkpoint, byId, datasets).stream())
                .max(ORDER);
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
            return candidate.at().isAfter(current.at())
                    ? Optional.of(promotion(candidate, current, null, newer(candidate), now))
                    : Optional.empty();
        }
        return Optional.ofNullable(byId.get(current.checkpoint()))
                .flatMap(served ->
                        candidate(served, byId, datasets)) // promoted by this rule: else its facts are on their way
                .filter(before -> MERIT.compare(candidate, before) > 0)
                .map(before -> promotion(candidate, current, before, better(candidate, before), now));
    }

    private static Optional<Candidate> candidate(
            Checkpoint checkpoint, Map<String, Checkpoint> checkpoints, Map<String, Dataset> datasets) {
        if (!eligible(checkpoint) || !datasets.containsKey(checkpoint.dataset())) {
            return Optional.empty();
        }
        return ancestor(checkpoint, checkpoints)
                .map(pretrained -> datasets.get(pretrained.dataset()))
                .map(origin -> new Candidate(checkpoint, datasets.get(checkpoint.dataset()), origin));
    }

    /** The pretrained checkpoint that one goes back to; itself where it is one. */
    private static Optional<Checkpoint> ancestor(Checkpoint checkpoint, Map<String, Checkpoint> checkpoints) {
        Set<String> seen = new HashSet<>();
        Checkpoint at = checkpoint;
        while (at != null && at.stage() != Stage.PRETRAIN && at.parent() != null && seen.add(at.id())) {
            at = checkpoints.get(at.parent());
        }
        return Optional.ofNullable(at).filter(found -> found.stage() == Stage.PRETRAIN && found.dataset() != null);
    }

    private static boolean eligible(Checkpoint checkpoint) {
        Double bits = checkpoint.metrics().get(Checkpoint.BITS_PER_BYTE);
        return checkpoint.model().equals(Checkpoint.POLICY)
                && (checkpoint.stage() == Stage.PRETRAIN || checkpoint.stage() == Stage.SFT)
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
        evidence.put("stage", checkpoint.stage().label());
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

    private static String better(Candidate candidate, Candidate before) {
        String served = before.checkpoint().id();
        if (!candidate.origin().id().equals(before.origin().id())) {
            return newer(candidate);
        }
        if (candidate.stage() != before.stage()) {
            return "It follows instructions, which %s does not: %s".formatted(served, says(candidate));
        }
        return candidate.dataset().id().equals(before.dataset().id())
                ? "It is better than %s: %s after %s".formatted(served, says(candidate), bits(before))
                : newer(candidate);
    }

    private static String newer(Candidate candidate) {
        String dataset = candidate.at().equals(candidate.dataset().at())
                ? candidate.dataset().id()
                : candidate.origin().id();
        return "Its dataset %s is newer: %s".formatted(dataset, says(candidate));
    }

    private static String says(Candidate candidate) {
        return bits(candidate) + " bits per byte on the validation split";
    }

    private static String bits(Candidate candidate) {
        return String.format(Locale.ROOT, "%.4f", candidate.bitsPerByte());
    }
}

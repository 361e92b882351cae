package io.bardstream.checkpoint;

import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;

/**
 * Which checkpoints of one run stay on the disk: the newest, from which the run goes on; the best by validation loss, of
 * equals the earliest; and every pinned one. The rest goes, and so does the optimizer's state of all but the newest.
 */
public final class Retention {
    private static final Comparator<Candidate> AGE =
            Comparator.comparingLong(Candidate::step).thenComparing(Candidate::id);

    private Retention() {}

    /**
     * A checkpoint as pruning sees it.
     *
     * @param validationLoss lower is better; null or not a number where it was not measured
     * @param pinned promoted now or earlier, a parent of another run, or otherwise asked to stay
     */
    public record Candidate(String id, long step, Double validationLoss, boolean pinned) {
        private boolean measured() {
            return validationLoss != null && !validationLoss.isNaN();
        }
    }

    /** The newest checkpoint of a run, the only one that keeps its optimizer. */
    public static Optional<String> newest(Collection<Candidate> run) {
        return run.stream().max(AGE).map(Candidate::id);
    }

    /** The best checkpoint of a run, if validation was measured at all. */
    public static Optional<String> best(Collection<Candidate> run) {
        return run.stream()
                .filter(Candidate::measured)
                .min(Comparator.comparing(Candidate::validationLoss).thenComparing(AGE))
                .map(Candidate::id);
    }

    /** The ids that stay. */
    public static Set<String> kept(Collection<Candidate> run) {
        Set<String> kept = new LinkedHashSet<>();
        newest(run).ifPresent(kept::add);
        best(run).ifPresent(kept::add);
        run.stream().filter(Candidate::pinned).map(Candidate::id).forEach(kept::add);
        return kept;
    }
}

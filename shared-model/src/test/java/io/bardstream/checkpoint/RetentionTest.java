package io.bardstream.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import io.bardstream.checkpoint.Retention.Candidate;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class RetentionTest {

    @Test
    void newestBestAndPinnedStay() {
        List<Candidate> run = List.of(
                new Candidate("a", 100, 3.0, false),
                new Candidate("b", 200, 2.0, true),
                new Candidate("c", 300, 1.5, false),
                new Candidate("d", 400, 1.6, false),
                new Candidate("e", 500, 1.7, false));
        assertThat(Retention.kept(run)).containsExactlyInAnyOrder("b", "c", "e");
    }

    @Test
    void ofEqualsTheEarliestIsBest() {
        List<Candidate> run = List.of(
                new Candidate("c", 300, 1.5, false),
                new Candidate("b", 200, 1.5, false),
                new Candidate("a", 100, 1.6, false));
        assertThat(Retention.best(run)).contains("b");
    }

    @Test
    void whatWasNotMeasuredIsNotBest() {
        List<Candidate> run = List.of(
                new Candidate("a", 100, Double.NaN, false),
                new Candidate("b", 200, 9.0, false),
                new Candidate("c", 300, null, false));
        assertThat(Retention.best(run)).contains("b");
        assertThat(Retention.kept(run)).containsExactlyInAnyOrder("b", "c");
    }

    @Test
    void nothingIsKeptOfNothing() {
        assertThat(Retention.kept(List.of())).isEmpty();
    }

    /** However often a run is pruned on its way, what the whole run would keep is still there. */
    @Property(tries = 200)
    void pruningOnTheWayLosesNothingThatTheEndWouldKeep(@ForAll @Size(min = 1, max = 20) List<Byte> losses) {
        Set<Candidate> alive = new LinkedHashSet<>();
        List<Candidate> all = new ArrayList<>();
        for (byte loss : losses) {
            Candidate next = new Candidate("step-" + all.size(), all.size(), (double) loss, loss % 7 == 0);
            all.add(next);
            alive.add(next);
            Set<String> kept = Retention.kept(alive);
            alive.removeIf(candidate -> !kept.contains(candidate.id()));
        }
        assertThat(alive).extracting(Candidate::id).containsExactlyInAnyOrderElementsOf(Retention.kept(all));
    }
}

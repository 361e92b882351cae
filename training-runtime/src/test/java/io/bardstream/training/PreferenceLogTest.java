package io.bardstream.training;

import static org.assertj.core.api.Assertions.assertThat;

import io.bardstream.event.GenerationRequest.Format;
import io.bardstream.event.Preference;
import io.bardstream.event.Preference.Choice;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What votes say together. */
class PreferenceLogTest {
    private final List<Preference> votes = new ArrayList<>();

    @Test
    void votesOfSeveralAnnotatorsOnOneComparisonAreOnePairWhateverSidesTheySaw() {
        vote("v1", "c", "ann", Choice.A, null, "thou", "you");
        vote("v2", "c", "bob", Choice.B, null, "you", "thou");
        vote("v3", "c", "cid", Choice.A, null, "you", "thou");
        vote("v4", "c", "dan", Choice.TIE, null, "thou", "you");

        JudgedPair pair = PreferenceLog.judged(votes).get(0);

        assertThat(pair.first()).isEqualTo("thou");
        assertThat(pair.preference()).isEqualTo(2.5 / 4);
        assertThat(pair.votes()).isEqualTo(4);
        assertThat(pair.decided()).isTrue();
    }

    @Test
    void onlyTheLastVoteOfAChainCountsAndOneThatComesTwiceCountsOnce() {
        vote("v1", "c", "ann", Choice.A, null, "thou", "you");
        vote("v2", "c", "ann", Choice.SKIP, "v1", "thou", "you");
        vote("v3", "c", "ann", Choice.B, "v2", "thou", "you");
        vote("v3", "c", "ann", Choice.B, "v2", "thou", "you");

        assertThat(PreferenceLog.judged(votes)).singleElement().satisfies(pair -> {
            assertThat(pair.preference()).isZero();
            assertThat(pair.votes()).isEqualTo(1);
        });
    }

    @Test
    void whatComparesNothingMakesNoPair() {
        vote("v1", "bad", "ann", Choice.BOTH_BAD, null, "thou", "you");
        vote("v2", "skipped", "ann", Choice.SKIP, null, "thou", "you");
        vote("v3", "flagged", "ann", Choice.A, null, "thou", "you");
        vote("v4", "flagged", "bob", Choice.FLAG, null, "thou", "you");
        vote("v5", "same", "ann", Choice.A, null, "thou", "thou");
        vote("v6", "tie", "ann", Choice.TIE, null, "thou", "you");

        assertThat(PreferenceLog.judged(votes)).singleElement().satisfies(pair -> {
            assertThat(pair.comparison()).isEqualTo("tie");
            assertThat(pair.decided()).isFalse();
        });
    }

    @Test
    void aPromptIsOnOneSideForGoodAndAFifthOfThemIsHeldOut() {
        int heldOut = 0;
        for (int i = 0; i < 1_000; i++) {
            boolean side = JudgedPair.isHeldOut("prompt " + i);
            assertThat(JudgedPair.isHeldOut("prompt " + i)).isEqualTo(side);
            heldOut += side ? 1 : 0;
        }
        assertThat(heldOut).isBetween(160, 240);
    }

    private void vote(
            String id, String comparison, String annotator, Choice choice, String supersedes, String a, String b) {
        votes.add(new Preference(
                id,
                comparison,
                annotator,
                choice,
                supersedes,
                "Speak",
                Format.RAW,
                a,
                b,
                null,
                null,
                null,
                null,
                null,
                Instant.EPOCH));
    }
}

package io.bardstream.launcher;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.SplittableRandom;
import java.util.function.Predicate;

/** Judges pair after pair as a person at the form does, over the form's own API, by a {@link Taste} that it tells nobody. */
final class ScriptedAnnotator {
    private static final String HANDLE = "scripted";
    private static final int TOO_MANY_REQUESTS = 429;
    private static final int NOT_THERE_ANY_MORE = 404;
    private static final int CONFLICT = 409;
    private static final Duration PATIENCE = Duration.ofMinutes(3);

    private final Api feedback;
    private final Taste taste;
    private final double noise;
    private final SplittableRandom random;

    /** @param noise share of the votes for a text that go to the other one */
    ScriptedAnnotator(Api feedback, Taste taste, double noise, long seed) {
        this.feedback = feedback;
        this.taste = taste;
        this.noise = noise;
        this.random = new SplittableRandom(seed);
    }

    /**
     * Votes that were cast.
     *
     * @param decided of these, for one of the two texts
     */
    record Ballots(int votes, int decided) {
        static final Ballots NONE = new Ballots(0, 0);

        private Ballots with(String choice) {
            return new Ballots(votes + 1, decided + (choice.equals("tie") ? 0 : 1));
        }

        Ballots plus(Ballots others) {
            return new Ballots(votes + others.votes, decided + others.decided);
        }
    }

    Taste taste() {
        return taste;
    }

    /**
     * Votes until it is enough, which is asked before each pair.
     *
     * @throws CommandFailure if no pair comes for minutes
     */
    Ballots vote(Predicate<Ballots> enough) {
        Ballots cast = Ballots.NONE;
        long lastVote = System.nanoTime();
        while (!enough.test(cast)) {
            try {
                JsonNode pair = feedback.get("/v1/comparisons/next?annotator=" + HANDLE);
                if (!pair.isMissingNode()) {
                    String choice = taste.vote(pair, noise, random);
                    feedback.post(
                            "/v1/comparisons/" + pair.path("id").asText() + "/vote",
                            Api.object().put("annotator", HANDLE).put("choice", choice));
                    cast = cast.with(choice);
                    lastVote = System.nanoTime();
                    continue;
                }
            } catch (Api.Refusal refusal) {
                if (refusal.status() != TOO_MANY_REQUESTS
                        && refusal.status() != NOT_THERE_ANY_MORE
                        && refusal.status() != CONFLICT) {
                    throw refusal;
                }
            } catch (Api.Unreachable restarting) {
                // its supervisor starts it again; patience ends below
            }
            if (System.nanoTime() - lastVote > PATIENCE.toNanos()) {
                throw new CommandFailure("No pair has been there to be judged for " + PATIENCE.toMinutes()
                        + " minutes, after " + cast.votes()
                        + " votes; see `bardstream logs feedback` and `bardstream logs inference`.");
            }
            Patience.pause();
        }
        return cast;
    }
}

package io.bardstream.reward;

import io.bardstream.service.Share;
import java.util.Locale;
import java.util.Map;

/**
 * Whether a reward model is good enough to train a policy against: the lower end of Wilson's 95 % interval of its held-out
 * accuracy must be above one half. One that is not starts nothing, and says why.
 *
 * @param reason one sentence for people
 */
record RewardGate(boolean passed, String reason) {
    /** What stands of it in a checkpoint's metrics, as are the two counts below: 1 or 0. */
    static final String PASSED = "gate_passed";

    static final String RIGHT = "held_out_right";
    static final String HELD_OUT = "held_out_pairs";

    static RewardGate of(HeldOut heldOut) {
        return of(heldOut.accuracy());
    }

    /** The verdict on a checkpoint, from what was measured when it was saved. */
    static RewardGate of(Map<String, Double> metrics) {
        return of(accuracy(metrics));
    }

    /** The held-out accuracy of a checkpoint. */
    static Share accuracy(Map<String, Double> metrics) {
        return Share.of(
                metrics.getOrDefault(RIGHT, 0.0).longValue(),
                metrics.getOrDefault(HELD_OUT, 0.0).longValue());
    }

    private static RewardGate of(Share accuracy) {
        if (accuracy.of() == 0) {
            return new RewardGate(
                    false, "No pair could be held out: it takes judged pairs of at least two different prompts.");
        }
        String measured = String.format(
                Locale.ROOT,
                "%d of %d held-out pairs are judged as people did, %.1f %% (95 %% interval %.1f to %.1f %%)",
                accuracy.count(),
                accuracy.of(),
                100 * accuracy.value(),
                100 * accuracy.low(),
                100 * accuracy.high());
        return accuracy.low() > 0.5
                ? new RewardGate(true, measured + ".")
                : new RewardGate(false, measured + ": that may be chance. More votes are needed, or clearer ones.");
    }
}

package io.bardstream.event;

import java.util.Set;

/**
 * What classification has beside other trainings.
 *
 * @param tuned {@code all} weights, or {@code last_block}: those of the last block, the last norm and the head
 */
public record ClassifySettings(String tuned) {
    public static final String ALL = "all";
    public static final String LAST_BLOCK = "last_block";
    public static final ClassifySettings DEFAULTS = new ClassifySettings(ALL);

    public ClassifySettings {
        Fields.require(
                Set.of(ALL, LAST_BLOCK).contains(Fields.required(tuned, "tuned")),
                "tuned",
                "'" + tuned + "' is neither " + ALL + " nor " + LAST_BLOCK);
    }

    public boolean lastBlockOnly() {
        return tuned.equals(LAST_BLOCK);
    }
}

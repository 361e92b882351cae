package io.bardstream.training;

import io.smallrye.config.ConfigMapping;
import java.time.Duration;

/** How runs are kept. */
@ConfigMapping(prefix = "bardstream.training")
public interface TrainingSettings {
    /** How long a run is its owner's without a sign of life. */
    Duration lease();

    /** How often the owner gives one. */
    Duration renewal();

    /** How long a superseded checkpoint stays, so that a reader who was just told of it can still load it. */
    Duration grace();

    /** How many checkpoints that were promoted stay, the newest: the one that serves, and those to go back to. */
    int promotionsKept();
}

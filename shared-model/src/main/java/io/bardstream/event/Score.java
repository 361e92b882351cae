package io.bardstream.event;

import java.time.Instant;

/** What a reward model thinks of a generation; mean 0 and deviation 1 on the reference policy's samples. */
public record Score(String generationId, String rewardModel, double value, Instant at) {
    public Score {
        Fields.id(generationId, "generation_id");
        Fields.id(rewardModel, "reward_model");
        Fields.require(Double.isFinite(value), "value", value + " is not a finite number");
        Fields.required(at, "at");
    }
}

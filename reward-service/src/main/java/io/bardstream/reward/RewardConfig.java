package io.bardstream.reward;

import io.quarkus.runtime.annotations.StaticInitSafe;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.time.Duration;

/** When and how reward models are trained by themselves. */
@StaticInitSafe
@ConfigMapping(prefix = "bardstream.reward")
interface RewardConfig {
    /** New pairs with a winner since the last reward model that start the next. */
    @WithDefault("20")
    int newPairs();

    /** How often tuning sees each pair where there are few; the more there are, the nearer it comes to once. */
    @WithDefault("3")
    double epochs();

    /** Peak rate of tuning, of a model one channel wide; a model's is this over its width. */
    @WithDefault("0.128")
    double learningRate();

    /** How long a candidate waits for votes before the judge may decide alone. */
    @WithDefault("10M")
    Duration patience();
}

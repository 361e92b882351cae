package io.bardstream.inference;

import io.bardstream.kernel.Compute;
import io.bardstream.kernel.Precision;
import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.time.Duration;
import java.util.OptionalInt;

/** How much is served at once, and how it is computed. */
@ConfigMapping(prefix = "bardstream.inference")
public interface InferenceSettings {
    /** Sequences that one model decodes at once. A step costs all of them, used or not. */
    @WithDefault("8")
    int slots();

    /** Sequences that may wait for a slot; a request beyond is a 429. Also the most that one request may ask for. */
    @WithDefault("64")
    int queue();

    /** Models kept in memory, the promoted policy among them; the one unused for longest goes first. */
    @WithDefault("2")
    int loadedModels();

    /** {@code float32}, {@code bfloat16}, or {@code auto}: whichever the processor or GPU is made for. */
    @WithDefault("auto")
    String dtype();

    /** Threads of one operator on the CPU. Without a value half the processors: training wants the others. */
    OptionalInt threads();

    /** Largest body of a request. */
    @WithDefault("1M")
    MemorySize maxBody();

    /** Generations that may wait to be published; beyond, they are dropped and counted. */
    @WithDefault("1024")
    int unpublishedGenerations();

    /** How long the checkpoint of a generation request may be unknown or fail: its announcement may come after the request. */
    @WithDefault("30S")
    Duration checkpointPatience();

    /** {@link #dtype()} as it applies here. */
    default Precision precision() {
        return dtype().equals("auto") ? Compute.preferredPrecision() : Precision.parse(dtype());
    }
}

package io.bardstream.corpus;

import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.time.Duration;

/** Limits on the texts that are taken in. */
@ConfigMapping(prefix = "bardstream.corpora")
interface CorpusSettings {
    /** Largest text in bytes, uploaded or downloaded. */
    @WithDefault("2G")
    MemorySize maxSize();

    /** How long the addresses of a URL's host, all together, may take to accept a connection. */
    @WithDefault("10S")
    Duration connectTimeout();

    /** How long a download may stand still. */
    @WithDefault("30S")
    Duration idleTimeout();

    /** How long a whole download may take. */
    @WithDefault("30M")
    Duration downloadTimeout();
}

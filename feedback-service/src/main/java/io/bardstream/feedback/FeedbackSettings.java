package io.bardstream.feedback;

import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.time.Duration;

/** What is asked of people, and how much they may send. */
@ConfigMapping(prefix = "bardstream.feedback")
public interface FeedbackSettings {
    /** How many people are asked about each new pair. */
    @WithDefault("1")
    int annotatorsPerComparison();

    /** How long a pair is kept for the person it was handed to. */
    @WithDefault("10M")
    Duration reservation();

    /** Most characters of a prompt that people add. */
    @WithDefault("2000")
    int longestPrompt();

    /** Most characters of a comment. */
    @WithDefault("2000")
    int longestComment();

    /** Most characters of a prompt or an answer from outside; three such texts fit into a record. */
    @WithDefault("50000")
    int longestText();

    /** Largest file of votes that is imported. */
    @WithDefault("256M")
    MemorySize largestImport();

    /** How much one address may ask. */
    RateLimit rateLimit();

    /** A bucket of requests that fills again. */
    interface RateLimit {
        /** Requests at once. */
        @WithDefault("1000")
        int burst();

        /** Requests a second in the long run. */
        @WithDefault("50")
        int perSecond();
    }

    /** The stock of pairs that wait for somebody. */
    Pool pool();

    /** How the stock of pairs is kept. */
    interface Pool {
        /** Pairs that wait and that nobody holds or has judged. */
        @WithDefault("20")
        int waiting();

        /** How long an answer may take until the same is asked anew. */
        @WithDefault("5M")
        Duration patience();

        /** How long a promotion must stand before texts are asked of it: while a run improves, the next one is not far. */
        @WithDefault("20S")
        Duration settling();

        /** How often the stock is looked at, beside every time that something arrives. */
        @WithDefault("5S")
        Duration interval();

        /** Temperature at which the texts are drawn. */
        @WithDefault("0.8")
        double temperature();

        /** Most tokens of a text. */
        @WithDefault("64")
        int maxTokens();
    }
}

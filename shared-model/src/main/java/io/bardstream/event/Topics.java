package io.bardstream.event;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** Every topic with its key, its value and how long its records are kept. */
public final class Topics {
    private static final int MIB = 1 << 20;

    // name, key, value, partitions, kept, largest record
    public static final Topic<TokenizerPublished> TOKENIZERS =
            new Topic<>("tokenizers", "tokenizer id", TokenizerPublished.class, 1, Kept.newestByKey(), 16 * MIB);
    public static final Topic<TokenBlock> TOKEN_BATCHES =
            new Topic<>("token-batches", "dataset id", TokenBlock.class, 6, Kept.forEver(), MIB);
    public static final Topic<Dataset> DATASETS =
            new Topic<>("datasets", "dataset id", Dataset.class, 1, Kept.newestByKey(), MIB);
    public static final Topic<TrainingRequest> TRAINING_REQUESTS =
            new Topic<>("training-requests", "run id", TrainingRequest.class, 1, Kept.forEver(), MIB);
    public static final Topic<StepMetrics> TRAINING_METRICS =
            new Topic<>("training-metrics", "run id", StepMetrics.class, 1, Kept.days(30), MIB);
    public static final Topic<Checkpoint> CHECKPOINTS =
            new Topic<>("checkpoints", "checkpoint id", Checkpoint.class, 1, Kept.newestByKey(), MIB);
    public static final Topic<Promotion> PROMOTIONS =
            new Topic<>("promotions", "model name", Promotion.class, 1, Kept.forEver(), MIB);
    public static final Topic<PromotionDecision> PROMOTION_DECISIONS =
            new Topic<>("promotion-decisions", "candidate id", PromotionDecision.class, 1, Kept.forEver(), MIB);
    public static final Topic<GenerationRequest> GENERATION_REQUESTS =
            new Topic<>("generation-requests", "request id", GenerationRequest.class, 6, Kept.days(14), MIB);
    public static final Topic<Generation> GENERATIONS =
            new Topic<>("generations", "generation id", Generation.class, 6, Kept.newestByKey(), MIB);
    public static final Topic<Score> SCORES =
            new Topic<>("scores", "generation id", Score.class, 1, Kept.days(30), MIB);
    public static final Topic<Preference> PREFERENCES =
            new Topic<>("preferences", "vote id", Preference.class, 1, Kept.newestByKey(), MIB);

    public static final List<Topic<?>> ALL = List.of(
            TOKENIZERS,
            TOKEN_BATCHES,
            DATASETS,
            TRAINING_REQUESTS,
            TRAINING_METRICS,
            CHECKPOINTS,
            PROMOTIONS,
            PROMOTION_DECISIONS,
            GENERATION_REQUESTS,
            GENERATIONS,
            SCORES,
            PREFERENCES);

    private Topics() {}

    public static Optional<Topic<?>> byName(String name) {
        return ALL.stream().filter(topic -> topic.name().equals(name)).findFirst();
    }

    /**
     * @param key what a record's key is; keys are texts
     * @param value type of a record's value: JSON, but for {@link TokenBlock}
     * @param maxRecordBytes largest record that the broker takes
     */
    public record Topic<T>(String name, String key, Class<T> value, int partitions, Kept kept, int maxRecordBytes) {
        /** Where a consumer puts the records that it cannot read or process. */
        public String deadLetter() {
            return name + ".dlq";
        }
    }

    /**
     * How long records stay.
     *
     * @param compacted only the newest record of each key stays
     * @param time after which records go, or null for never
     */
    public record Kept(boolean compacted, Duration time) {
        static Kept forEver() {
            return new Kept(false, null);
        }

        static Kept newestByKey() {
            return new Kept(true, null);
        }

        static Kept days(int days) {
            return new Kept(false, Duration.ofDays(days));
        }
    }
}

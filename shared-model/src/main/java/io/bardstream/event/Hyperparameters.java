package io.bardstream.event;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * How a run trains, every value resolved. The names are the field's own (nanoGPT, TRL). One set is made from another by
 * {@link #with}, which checks names and values; what a preset changes stands in {@code train.Preset}.
 *
 * @param optimizer {@code adamw}, or {@code muon}: Muon for the hidden matrices, AdamW for the rest
 * @param learningRate peak rate of AdamW
 * @param muonLearningRate peak rate of Muon; not used by adamw
 * @param minLearningRate as a fraction of the peak, what the schedule decays to
 * @param schedule {@code cosine} or {@code linear}, after the warm-up
 * @param steps optimizer steps
 * @param batchSize sequences in a micro-batch
 * @param gradientAccumulation micro-batches in a step
 * @param contextLength tokens in a sequence
 * @param weightDecay decoupled, on matrices only
 * @param gradientClip largest global norm; 0 clips nothing
 * @param evaluationInterval steps between evaluations
 * @param evaluationBatches micro-batches in an evaluation; 0 takes the whole validation split
 * @param checkpointInterval steps between checkpoints that serve only to resume
 * @param sampleInterval steps between sample texts; 0 writes none
 * @param dtype {@code float32} or {@code bfloat16}, of the matrix multiplications; weights are kept in float32
 * @param threads of one operator on the CPU; equal counts give equal bits, so a run keeps those it began with
 * @param activationRecomputation whether the backward pass computes activations again rather than keep them: the same weights
 *     in less memory, more slowly
 * @param patience evaluations without a better validation loss after which the run stops; 0 never stops it
 * @param ppo what only PPO has; null in other stages. In a request its names stand beside the others
 * @param dpo what only DPO has; null in other stages. In a request its names stand beside the others
 * @param classify what only classification has; null in other stages. In a request its names stand beside the others
 * @param reward what only reward models have; null in other stages. In a request its names stand beside the others
 */
public record Hyperparameters(
        String optimizer,
        double learningRate,
        double muonLearningRate,
        double minLearningRate,
        String schedule,
        int warmupSteps,
        int steps,
        int batchSize,
        int gradientAccumulation,
        int contextLength,
        double weightDecay,
        double beta1,
        double beta2,
        double epsilon,
        double gradientClip,
        double dropout,
        int evaluationInterval,
        int evaluationBatches,
        int checkpointInterval,
        int sampleInterval,
        String dtype,
        int threads,
        boolean activationRecomputation,
        int patience,
        PpoSettings ppo,
        DpoSettings dpo,
        ClassifySettings classify,
        RewardSettings reward) {

    private static final int MOST_THREADS = 1_024;

    private static final ObjectMapper MAPPER = EventJson.configure(new ObjectMapper());

    /**
     * nanoGPT's settings for OpenWebText, half a million tokens a step; betas, epsilon, decay and clipping are those of
     * Brown et al. 2020, appendix B. Presets say what differs from them. Number format and threads are those
     * of the machine, once a request is resolved.
     */
    public static final Hyperparameters DEFAULTS =
            EventJson.read("""
            {
              "optimizer": "adamw",
              "learning_rate": 6e-4,
              "muon_learning_rate": 0.02,
              "min_learning_rate": 0.1,
              "schedule": "cosine",
              "warmup_steps": 700,
              "steps": 19000,
              "batch_size": 8,
              "gradient_accumulation": 60,
              "context_length": 1024,
              "weight_decay": 0.1,
              "beta1": 0.9,
              "beta2": 0.95,
              "epsilon": 1e-8,
              "gradient_clip": 1.0,
              "dropout": 0.0,
              "evaluation_interval": 250,
              "evaluation_batches": 50,
              "checkpoint_interval": 1000,
              "sample_interval": 1000,
              "dtype": "bfloat16",
              "threads": 1,
              "activation_recomputation": false,
              "patience": 0
            }
            """.getBytes(StandardCharsets.UTF_8), Hyperparameters.class);

    public Hyperparameters {
        oneOf(optimizer, "optimizer", Set.of("adamw", "muon"));
        positive(learningRate, "learning_rate");
        within(muonLearningRate, "muon_learning_rate", 0, 10);
        within(minLearningRate, "min_learning_rate", 0, 1);
        oneOf(schedule, "schedule", Set.of("cosine", "linear"));
        atLeast(warmupSteps, "warmup_steps", 0);
        atLeast(steps, "steps", 1);
        atLeast(batchSize, "batch_size", 1);
        atLeast(gradientAccumulation, "gradient_accumulation", 1);
        atLeast(contextLength, "context_length", 2);
        within(weightDecay, "weight_decay", 0, 10);
        below(beta1, "beta1");
        below(beta2, "beta2");
        positive(epsilon, "epsilon");
        within(gradientClip, "gradient_clip", 0, 1e6);
        below(dropout, "dropout");
        atLeast(evaluationInterval, "evaluation_interval", 1);
        atLeast(evaluationBatches, "evaluation_batches", 0);
        atLeast(checkpointInterval, "checkpoint_interval", 1);
        atLeast(sampleInterval, "sample_interval", 0);
        oneOf(dtype, "dtype", Set.of("float32", "bfloat16"));
        Fields.require(
                threads >= 1 && threads <= MOST_THREADS,
                "threads",
                threads + " does not lie in [1, " + MOST_THREADS + "]");
        atLeast(patience, "patience", 0);
    }

    /**
     * These hyperparameters with some replaced, as they come in a request.
     *
     * @throws InvalidFieldException if a name is unknown or a value impossible; it names the one
     */
    public Hyperparameters with(Map<String, ?> overrides) {
        ObjectNode values = MAPPER.valueToTree(this);
        for (Map.Entry<String, ?> override : overrides.entrySet()) {
            String name = override.getKey();
            ObjectNode owner = groups(values)
                    .filter(group -> group.path(name).isValueNode())
                    .findFirst()
                    .orElseThrow(() -> new InvalidFieldException(
                            name, "is not a hyperparameter of this stage; there are " + names(values)));
            JsonNode value = MAPPER.valueToTree(override.getValue());
            requireKind(name, owner.get(name), value);
            owner.set(name, value);
        }
        return EventJson.read(EventJson.write(values), Hyperparameters.class);
    }

    /** These hyperparameters with those that only PPO has. */
    public Hyperparameters with(PpoSettings settings) {
        return with("ppo", settings);
    }

    /** These hyperparameters with those that only DPO has. */
    public Hyperparameters with(DpoSettings settings) {
        return with("dpo", settings);
    }

    /** These hyperparameters with those that only classification has. */
    public Hyperparameters with(ClassifySettings settings) {
        return with("classify", settings);
    }

    /** These hyperparameters with those that only reward models have. */
    public Hyperparameters with(RewardSettings settings) {
        return with("reward", settings);
    }

    private Hyperparameters with(String group, Record settings) {
        ObjectNode values = MAPPER.valueToTree(this);
        values.set(group, MAPPER.valueToTree(settings));
        return EventJson.read(EventJson.write(values), Hyperparameters.class);
    }

    /** What all stages have, and what only this one has. */
    private static Stream<ObjectNode> groups(ObjectNode values) {
        return Stream.concat(
                Stream.of(values),
                Stream.of("ppo", "dpo", "classify", "reward")
                        .map(values::path)
                        .filter(JsonNode::isObject)
                        .map(ObjectNode.class::cast));
    }

    private static void requireKind(String name, JsonNode previous, JsonNode value) {
        if (previous.isTextual()) {
            Fields.require(value.isTextual(), name, value + " is not a text");
        } else if (previous.isBoolean()) {
            Fields.require(value.isBoolean(), name, value + " is neither true nor false");
        } else if (previous.isInt()) {
            boolean whole = value.isIntegralNumber() && value.canConvertToInt();
            Fields.require(whole, name, value + " is not a whole number");
        } else {
            Fields.require(value.isNumber(), name, value + " is not a number");
        }
    }

    /** These without what only the machine at hand decided: how numbers are computed, not what is trained. */
    Hyperparameters onAnyMachine() {
        return with(Map.of("dtype", "float32", "threads", 1));
    }

    private static Set<String> names(ObjectNode values) {
        Set<String> names = new TreeSet<>();
        groups(values).forEach(group -> group.properties().stream()
                .filter(field -> field.getValue().isValueNode())
                .forEach(field -> names.add(field.getKey())));
        return names;
    }

    private static void oneOf(String value, String field, Set<String> allowed) {
        Fields.require(
                allowed.contains(Fields.required(value, field)),
                field,
                "'" + value + "' is none of " + new TreeSet<>(allowed));
    }

    private static void positive(double value, String field) {
        Fields.require(value > 0 && Double.isFinite(value), field, value + " is not a positive number");
    }

    private static void below(double value, String field) {
        Fields.require(value >= 0 && value < 1, field, value + " does not lie in [0, 1)");
    }

    private static void within(double value, String field, double low, double high) {
        Fields.require(value >= low && value <= high, field, value + " does not lie in [" + low + ", " + high + "]");
    }

    private static void atLeast(int value, String field, int low) {
        Fields.require(value >= low, field, value + " is less than " + low);
    }
}

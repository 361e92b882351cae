package io.bardstream.event;

/**
 * What PPO has beside other trainings. Names and defaults are TRL's and lm-human-preferences'. One of a run's {@code steps} is
 * one update: rollouts, then {@code ppo_epochs} over them.
 *
 * @param rollouts responses sampled for one update
 * @param ppoEpochs times that an update goes over its rollouts
 * @param minibatch responses of one optimizer step
 * @param clipRange most that a token's probability may change in an update before its gradient is cut off, as a ratio
 * @param valueClipRange the same of values, as a difference
 * @param valueCoefficient weight of the value loss
 * @param criticLearningRate peak rate of the value model's optimizer
 * @param criticWarmup first updates, in which only the value model learns
 * @param klCoefficient price of a nat of KL to the reference at the beginning, β
 * @param klTarget KL of a response, in nats, that β is moved towards
 * @param klCeiling KL of a response, in nats, at which the run stops
 * @param gamma discount of the next token's worth
 * @param lambda of generalised advantage estimation
 * @param temperature at which responses are sampled, and by which logits are divided wherever they are looked at
 * @param responseLength most tokens of a response
 * @param missingEndPenalty taken from the score of a response that does not come to its end by itself
 * @param numLayersUnfrozen upper blocks of policy and critic that learn, with the last norm and the critic's head; -1 where
 *     all weights do. What stays frozen is in memory once for policy and reference, and once for critic and reward model
 *     (trlX's hydra; absent in records from before it was there, which means -1)
 */
public record PpoSettings(
        int rollouts,
        int ppoEpochs,
        int minibatch,
        double clipRange,
        double valueClipRange,
        double valueCoefficient,
        double criticLearningRate,
        int criticWarmup,
        double klCoefficient,
        double klTarget,
        double klCeiling,
        double gamma,
        double lambda,
        double temperature,
        int responseLength,
        double missingEndPenalty,
        Integer numLayersUnfrozen) {

    private static final int ALL_LAYERS = -1;

    public static final PpoSettings DEFAULTS =
            new PpoSettings(64, 4, 16, 0.2, 0.2, 0.1, 1e-4, 2, 0.15, 6, 24, 1, 0.95, 1, 48, 1, ALL_LAYERS);

    public PpoSettings {
        Fields.require(rollouts >= 1, "rollouts", rollouts + " is less than 1");
        Fields.require(ppoEpochs >= 1, "ppo_epochs", ppoEpochs + " is less than 1");
        Fields.require(minibatch >= 1, "minibatch", minibatch + " is less than 1");
        Fields.require(
                rollouts % minibatch == 0,
                "minibatch",
                "the " + rollouts + " rollouts do not divide into minibatches of " + minibatch);
        positive(clipRange, "clip_range");
        positive(valueClipRange, "value_clip_range");
        positive(valueCoefficient, "value_coefficient");
        positive(criticLearningRate, "critic_learning_rate");
        Fields.require(criticWarmup >= 0, "critic_warmup", criticWarmup + " is less than 0");
        Fields.require(
                klCoefficient >= 0 && Double.isFinite(klCoefficient), "kl_coefficient", klCoefficient + " is negative");
        positive(klTarget, "kl_target");
        positive(klCeiling, "kl_ceiling");
        share(gamma, "gamma");
        share(lambda, "lambda");
        Fields.require(
                temperature > 0 && temperature <= 2, "temperature", temperature + " does not lie above 0 and up to 2");
        Fields.require(responseLength >= 1, "response_length", responseLength + " is less than 1");
        Fields.require(
                missingEndPenalty >= 0 && Double.isFinite(missingEndPenalty),
                "missing_end_penalty",
                missingEndPenalty + " is negative");
        numLayersUnfrozen = numLayersUnfrozen == null ? ALL_LAYERS : numLayersUnfrozen;
        Fields.require(
                numLayersUnfrozen >= 1 || numLayersUnfrozen == ALL_LAYERS,
                "num_layers_unfrozen",
                numLayersUnfrozen + " is neither " + ALL_LAYERS + ", for all, nor at least 1");
    }

    /** Whether lower blocks and embeddings stay as they are in a model of so many layers. */
    public boolean freezes(int layers) {
        return numLayersUnfrozen != ALL_LAYERS && numLayersUnfrozen < layers;
    }

    private static void positive(double value, String field) {
        Fields.require(value > 0 && Double.isFinite(value), field, value + " is not a positive number");
    }

    private static void share(double value, String field) {
        Fields.require(value >= 0 && value <= 1, field, value + " does not lie in [0, 1]");
    }
}

package io.bardstream.event;

import java.time.Clock;
import java.util.List;
import java.util.Optional;

/**
 * What starts what, by itself. One table for all services; {@code --manual} switches it off.
 *
 * <p>A run of the curriculum has an id made of its inputs, so the same facts seen again, in any order, start nothing new;
 * nor do they on a machine with more processors or another number format.
 */
public final class Curriculum {
    /** A fact that arrived, the stage it starts, and the service that starts it. */
    public record Rule(String fact, Stage starts, String by) {}

    public static final List<Rule> RULES = List.of(
            new Rule("a pretrain dataset with its tokenizer", Stage.PRETRAIN, "trainer"),
            new Rule("an instruct dataset and a finished pretrain of the same base tokenizer", Stage.SFT, "trainer"),
            new Rule("enough new preferences and a finished sft that serves", Stage.REWARD, "reward"),
            new Rule("a reward model that passed its gate", Stage.PPO, "reward asks, trainer runs"));

    /** Seed of the curriculum's runs. */
    public static final long SEED = 1337;

    private Curriculum() {}

    /** The pretraining that a dataset starts, if it is one to pretrain on. */
    public static Optional<TrainingRequest> pretrain(
            Dataset dataset, String preset, Hyperparameters hyperparameters, Clock clock) {
        if (dataset.kind() != DatasetKind.PRETRAIN) {
            return Optional.empty();
        }
        String runId = Ids.of("pretrain", dataset.id(), preset, hyperparameters.onAnyMachine(), SEED);
        return Optional.of(new TrainingRequest(
                runId,
                Stage.PRETRAIN,
                dataset.id(),
                preset,
                null,
                null,
                hyperparameters,
                SEED,
                null,
                TrainingRequest.CURRICULUM,
                clock.instant()));
    }

    /**
     * The fine-tuning that a dataset of instructions and a finished pretraining start, if they fit.
     *
     * @param tokenizer the dataset's
     * @param parent the best of a pretraining that has ended
     */
    public static Optional<TrainingRequest> fineTune(
            Dataset dataset,
            TokenizerPublished tokenizer,
            Checkpoint parent,
            String preset,
            Hyperparameters hyperparameters,
            Clock clock) {
        if (dataset.kind() != DatasetKind.INSTRUCT
                || parent.stage() != Stage.PRETRAIN
                || !tokenizer.base().equals(parent.tokenizerSha256())) {
            return Optional.empty();
        }
        String runId = Ids.of("sft", dataset.id(), parent.sha256(), preset, hyperparameters.onAnyMachine(), SEED);
        return Optional.of(new TrainingRequest(
                runId,
                Stage.SFT,
                dataset.id(),
                preset,
                parent.id(),
                null,
                hyperparameters,
                SEED,
                null,
                TrainingRequest.CURRICULUM,
                clock.instant()));
    }

    /** The reward model that enough new preferences start, from the policy that serves. */
    public static TrainingRequest reward(
            Dataset preferences, Checkpoint policy, String preset, Hyperparameters hyperparameters, Clock clock) {
        String runId = Ids.of("reward", preferences.id(), policy.sha256(), hyperparameters.onAnyMachine(), SEED);
        return new TrainingRequest(
                runId,
                Stage.REWARD,
                preferences.id(),
                preset,
                policy.id(),
                null,
                hyperparameters,
                SEED,
                null,
                TrainingRequest.CURRICULUM,
                clock.instant());
    }

    /** The PPO that a reward model which passed its gate starts, from the policy that serves. */
    public static TrainingRequest ppo(
            Checkpoint reward,
            Checkpoint policy,
            List<String> prompts,
            String preset,
            Hyperparameters hyperparameters,
            Clock clock) {
        String runId = Ids.of("ppo", reward.sha256(), policy.sha256(), prompts, hyperparameters.onAnyMachine(), SEED);
        return new TrainingRequest(
                runId,
                Stage.PPO,
                policy.dataset(),
                preset,
                policy.id(),
                reward.id(),
                hyperparameters,
                SEED,
                null,
                null,
                TrainingRequest.CURRICULUM,
                clock.instant(),
                prompts,
                null);
    }
}

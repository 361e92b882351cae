package io.bardstream.trainer;

import io.bardstream.checkpoint.HuggingFaceFormat;
import io.bardstream.checkpoint.ModelConfig;
import io.bardstream.checkpoint.SafeTensors;
import io.bardstream.checkpoint.SafeTensorsWriter;
import io.bardstream.checkpoint.TensorInfo;
import io.bardstream.checkpoint.TensorType;
import io.bardstream.event.Hyperparameters;
import io.bardstream.event.PpoSettings;
import io.bardstream.gpt.Dropout;
import io.bardstream.gpt.ForwardPass;
import io.bardstream.gpt.Gpt;
import io.bardstream.gpt.RewardModel;
import io.bardstream.gpt.TensorBytes;
import io.bardstream.kernel.Compute;
import io.bardstream.train.TrainStep;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * The models that PPO trains, policy and critic, each with an optimizer of its own, and two that stay as they are, reference and
 * judge. The policy begins as the reference; the critic has the judge's trunk and a head of zeros. Where only upper layers
 * learn, policy and critic are branches of these two, whose lower layers are in memory once (trlX's hydra).
 *
 * <p>A checkpoint has the policy as its model; the critic and both optimizers lie in its optimizer file, since they are of use
 * only to go on.
 */
final class PpoModels implements AutoCloseable {
    private static final String CRITIC = "critic.weights";
    private static final String POLICY_OPTIMIZER = "policy.optimizer.";
    private static final String CRITIC_OPTIMIZER = "critic.optimizer.";

    private final Gpt reference;
    private final Gpt judge;
    private final ModelConfig.RewardScale scale; // null where the judge has none
    private final Gpt policy;
    private final Gpt critic;
    private final TrainStep policyStep;
    private final TrainStep criticStep;
    private final boolean recomputes;

    /** @param begun the policy's weights, or null for those of its parent */
    private PpoModels(Path parent, Path reward, Path begun, Compute compute, Hyperparameters settings, long seed)
            throws IOException {
        this.reference = Gpt.load(parent, compute);
        this.judge = Gpt.loadWithScalarHead(reward, compute);
        this.scale = HuggingFaceFormat.readConfig(reward).reward();
        PpoSettings ppo = settings.ppo();
        if (ppo.freezes(reference.config().layers())) {
            this.policy = reference.branch(ppo.numLayersUnfrozen());
            if (begun != null) {
                try (Gpt saved = Gpt.load(begun, compute)) {
                    policy.copy(saved);
                }
            }
        } else {
            this.policy = Gpt.load(begun == null ? parent : begun, compute);
        }
        this.critic = ppo.freezes(judge.config().layers())
                ? judge.branch(ppo.numLayersUnfrozen())
                : Gpt.loadWithScalarHead(reward, compute);
        critic.scalarHead().zero();
        Hyperparameters minibatch =
                settings.with(Map.of("gradient_accumulation", ppo.minibatch() / settings.batchSize()));
        this.policyStep = TrainStep.of(policy, minibatch, seed);
        this.criticStep = TrainStep.of(critic, minibatch, seed);
        this.recomputes = settings.activationRecomputation();
    }

    /**
     * Loads the models as they are at the beginning.
     *
     * @param parent checkpoint of policy and reference
     * @param reward checkpoint of the judge
     */
    static PpoModels begin(Path parent, Path reward, Compute compute, Hyperparameters settings, long seed)
            throws IOException {
        return new PpoModels(parent, reward, null, compute, settings, seed);
    }

    /** Loads them as a checkpoint has them. */
    static PpoModels resume(
            Path checkpoint, Path parent, Path reward, Compute compute, Hyperparameters settings, long seed)
            throws IOException {
        PpoModels models = new PpoModels(parent, reward, checkpoint, compute, settings, seed);
        try (SafeTensors stored = SafeTensors.open(checkpoint.resolve(HuggingFaceFormat.OPTIMIZER))) {
            TensorBytes.read(stored, CRITIC, models.critic.weights().masters(), compute.kernels());
            models.critic.weights().refresh();
            models.policyStep.loadOptimizer(stored, POLICY_OPTIMIZER);
            models.criticStep.loadOptimizer(stored, CRITIC_OPTIMIZER);
        }
        return models;
    }

    void save(Path folder) throws IOException {
        policy.save(folder.resolve(HuggingFaceFormat.WEIGHTS));
        SafeTensorsWriter writer = new SafeTensorsWriter();
        var weights = critic.weights().masters();
        writer.add(
                TensorInfo.of(CRITIC, TensorType.F32, weights.size()),
                sink -> TensorBytes.write(weights, sink, critic.compute().kernels()));
        policyStep.addOptimizer(writer, POLICY_OPTIMIZER);
        criticStep.addOptimizer(writer, CRITIC_OPTIMIZER);
        writer.write(folder.resolve(HuggingFaceFormat.OPTIMIZER));
    }

    /**
     * The judge's reward of each text, prompt and response in one, on the scale that its checkpoint has.
     *
     * @throws IllegalStateException if that has none, being no reward model's
     */
    double[] rewards(List<int[]> texts) {
        if (scale == null) {
            throw new IllegalStateException(
                    "the judge's checkpoint is no reward model's: its config.json has no reward_gain");
        }
        return Arrays.stream(RewardModel.scores(judge, texts)).map(scale::of).toArray();
    }

    /** A pass as a learner's steps take it, so that what was said is looked at as it will be learned from, to the bit. */
    ForwardPass pass(Gpt learner) {
        return ForwardPass.training(learner.compute(), Dropout.NONE, recomputes, learner.firstTrained());
    }

    /** What policy or reference does, and what critic or judge does, at once where that is faster. */
    void both(Runnable ofPolicy, Runnable ofCritic) {
        policy.compute().both(ofPolicy, ofCritic);
    }

    Gpt policy() {
        return policy;
    }

    Gpt reference() {
        return reference;
    }

    Gpt critic() {
        return critic;
    }

    TrainStep policyStep() {
        return policyStep;
    }

    TrainStep criticStep() {
        return criticStep;
    }

    @Override
    public void close() {
        policyStep.close();
        criticStep.close();
        policy.close();
        critic.close();
        reference.close();
        judge.close();
    }
}

package io.bardstream.trainer;

import io.bardstream.checkpoint.HuggingFaceFormat;
import io.bardstream.checkpoint.SafeTensors;
import io.bardstream.checkpoint.SafeTensorsWriter;
import io.bardstream.checkpoint.TensorInfo;
import io.bardstream.checkpoint.TensorType;
import io.bardstream.event.Hyperparameters;
import io.bardstream.gpt.Gpt;
import io.bardstream.gpt.TensorBytes;
import io.bardstream.kernel.Compute;
import io.bardstream.train.OptimizerSettings;
import io.bardstream.train.TrainStep;
import java.io.IOException;
import java.nio.file.Path;

/**
 * The models that PPO trains, policy and critic, each with an optimizer of its own, and the frozen reference. The policy begins
 * as the reference; the critic has the reward model's trunk and a head of zeros.
 *
 * <p>A checkpoint has the policy as its model; the critic and both optimizers lie in its optimizer file, since they are of use
 * only to go on.
 */
final class PpoModels implements AutoCloseable {
    private static final String CRITIC = "critic.weights";
    private static final String POLICY_OPTIMIZER = "policy.optimizer.";
    private static final String CRITIC_OPTIMIZER = "critic.optimizer.";

    private final Gpt policy;
    private final Gpt reference;
    private final Gpt critic;
    private final TrainStep policyStep;
    private final TrainStep criticStep;

    private PpoModels(Gpt policy, Gpt reference, Gpt critic, Hyperparameters settings, long seed) {
        this.policy = policy;
        this.reference = reference;
        this.critic = critic;
        OptimizerSettings optimizer = OptimizerSettings.of(settings);
        this.policyStep = new TrainStep(policy, optimizer, settings.dropout(), seed);
        this.criticStep = new TrainStep(critic, optimizer, settings.dropout(), seed);
    }

    /**
     * Loads the models as they are at the beginning.
     *
     * @param parent checkpoint of policy and reference
     * @param reward checkpoint of the reward model
     */
    static PpoModels begin(Path parent, Path reward, Compute compute, Hyperparameters settings, long seed)
            throws IOException {
        Gpt critic = Gpt.loadWithScalarHead(reward, compute);
        critic.scalarHead().zero();
        return new PpoModels(Gpt.load(parent, compute), Gpt.load(parent, compute), critic, settings, seed);
    }

    /** Loads them as a checkpoint has them. */
    static PpoModels resume(
            Path checkpoint, Path parent, Path reward, Compute compute, Hyperparameters settings, long seed)
            throws IOException {
        PpoModels models = new PpoModels(
                Gpt.load(checkpoint, compute),
                Gpt.load(parent, compute),
                Gpt.loadWithScalarHead(reward, compute),
                settings,
                seed);
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
        reference.close();
        critic.close();
    }
}

package io.bardstream.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import io.bardstream.gpt.Gpt;
import io.bardstream.gpt.Parameters;
import io.bardstream.gpt.Parameters.Range;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.TorchCall;
import io.bardstream.kernel.TorchKernels;
import io.bardstream.kernel.TorchValue;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Turns a gradient into an update of the weights. AdamW (Loshchilov and Hutter 2019, with PyTorch's formula) moves
 * embeddings, gains and biases, and the hidden matrices too unless Muon (Jordan 2024) moves those. Matrices are
 * decayed, decoupled from the gradient; gains and biases are not.
 *
 * <p>The state is float32, in flat buffers: two moments for AdamW, one momentum for Muon, and the number of updates.
 */
public final class Optimizer implements AutoCloseable {
    /**
     * Numbers of one chunk: small enough that parameters, gradients and moments of it stay in the processor's cache.
     */
    private static final int CHUNK = 1 << 18;

    private final Gpt gpt;
    private final OptimizerSettings settings;
    private final Compute compute;
    private final List<AdamW> adamw = new ArrayList<>();
    private final List<Muon> muon = new ArrayList<>();
    private final Map<String, NDArray> state = new LinkedHashMap<>();
    private final NDArray updates;
    private final TorchValue allGradients;
    private final TorchCall squareSum;

    public Optimizer(Gpt gpt, OptimizerSettings settings) {
        this.gpt = gpt;
        this.settings = settings;
        this.compute = gpt.compute();
        TorchKernels kernels = compute.kernels("/io/bardstream/kernel/optimizer.py");
        this.squareSum = kernels.call("square_sum");
        Parameters parameters = gpt.weights();
        this.updates = buffer("updates", 1).reshape(new Shape());
        Range hidden = parameters.hidden();
        if (settings.kind() == OptimizerSettings.Kind.MUON) {
            NDArray momentum = buffer("hidden.momentum", hidden.size());
            for (Parameters.Stack stack : parameters.stacks()) {
                muon.add(new Muon(
                        kernels,
                        stack,
                        slice(momentum, stack.range()).reshape(stack.masters().getShape())));
            }
        } else {
            adamw.add(new AdamW(kernels, "hidden", hidden, settings.weightDecay()));
        }
        adamw.add(new AdamW(kernels, "embeddings", parameters.embeddings(), settings.weightDecay()));
        adamw.add(new AdamW(kernels, "vectors", parameters.vectors(), 0));
        List<NDArray> gradients = new ArrayList<>();
        for (Range range : List.of(hidden, parameters.embeddings(), parameters.vectors())) {
            gradients.addAll(chunks(parameters.gradients(range)));
        }
        this.allGradients = TorchValue.listOf(gradients);
    }

    /** The global norm of the summed gradients. */
    public double gradientNorm() {
        try (NDArray sum = squareSum.tensor(allGradients)) {
            return Math.sqrt(sum.getFloat());
        }
    }

    /**
     * Updates the weights, and their copies in compute precision, with the gradients as they are summed, scaled down to the clipping norm when {@code
     * gradientNorm} exceeds it.
     *
     * @param learningRate of AdamW; Muon's follows it at the ratio of the settings
     */
    public void update(double learningRate, double gradientNorm) {
        double clip = settings.gradientClip();
        double divisor = clip > 0 && gradientNorm > clip ? gradientNorm / clip : 1;
        updates.addi(1f);
        muon.forEach(group -> group.update(learningRate * settings.muonRatio(), divisor));
        adamw.forEach(group -> group.update(learningRate, divisor));
    }

    /** The state by name: all that a resumed run needs beside the weights. */
    public Map<String, NDArray> state() {
        return state;
    }

    private NDArray buffer(String name, long size) {
        NDArray zeros = compute.manager().zeros(new Shape(size));
        state.put(name, zeros);
        return zeros;
    }

    private NDArray slice(NDArray flat, Range range) {
        return compute.kernels().slice(flat, range.start(), range.size());
    }

    private List<NDArray> chunks(NDArray flat) {
        List<NDArray> chunks = new ArrayList<>();
        for (long start = 0; start < flat.size(); start += CHUNK) {
            chunks.add(compute.kernels().slice(flat, start, Math.min(CHUNK, flat.size() - start)));
        }
        flat.close();
        return chunks;
    }

    /** AdamW over one range of the parameters. */
    private final class AdamW {
        private final TorchCall step;
        private final double decay;
        private final TorchValue masters;
        private final TorchValue gradients;
        private final TorchValue first;
        private final TorchValue second;
        private final TorchValue weights;

        AdamW(TorchKernels kernels, String name, Range range, double decay) {
            this.step = kernels.call("adamw_");
            this.decay = decay;
            Range whole = new Range(0, range.size());
            this.masters = TorchValue.listOf(chunks(slice(gpt.weights().masters(), range)));
            this.gradients = TorchValue.listOf(chunks(gpt.weights().gradients(range)));
            this.first = TorchValue.listOf(chunks(slice(buffer(name + ".moment1", range.size()), whole)));
            this.second = TorchValue.listOf(chunks(slice(buffer(name + ".moment2", range.size()), whole)));
            this.weights = TorchValue.listOf(chunks(slice(gpt.weights().weights(), range)));
        }

        void update(double learningRate, double divisor) {
            step.run(
                    masters,
                    gradients,
                    first,
                    second,
                    weights,
                    updates,
                    learningRate,
                    settings.beta1(),
                    settings.beta2(),
                    decay,
                    settings.epsilon(),
                    divisor);
        }
    }

    /**
     * Muon over the hidden matrices of one kind, all layers at once. The orthogonalised update is scaled by √max(1,
     * out/in), so that its effect on a row does not depend on the shape.
     */
    private final class Muon {
        private final TorchCall step;
        private final Parameters.Stack stack;
        private final NDArray momentum;

        Muon(TorchKernels kernels, Parameters.Stack stack, NDArray momentum) {
            this.step = kernels.call("muon_");
            this.stack = stack;
            this.momentum = momentum;
        }

        void update(double learningRate, double divisor) {
            step.run(
                    stack.masters(),
                    stack.gradients(),
                    momentum,
                    stack.weights(),
                    learningRate,
                    OptimizerSettings.MUON_MOMENTUM,
                    settings.weightDecay(),
                    divisor);
        }
    }

    @Override
    public void close() {
        allGradients.close();
        for (AdamW group : adamw) {
            group.masters.close();
            group.gradients.close();
            group.first.close();
            group.second.close();
            group.weights.close();
        }
        state.values().forEach(NDArray::close);
    }
}

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
import java.util.function.Function;
import java.util.stream.Stream;

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
        List<Range> hidden = settings.lastBlockOnly() ? parameters.lastHidden() : List.of(parameters.hidden());
        boolean frozen = settings.lastBlockOnly() || parameters.embeddings().size() == 0;
        List<Range> embeddings = frozen ? List.of() : List.of(parameters.embeddings());
        List<Range> vectors = List.of(settings.lastBlockOnly() ? parameters.lastVectors() : parameters.vectors());
        if (settings.kind() == OptimizerSettings.Kind.MUON) {
            NDArray momentum = buffer("hidden.momentum", parameters.hidden().size());
            for (Parameters.Stack stack : parameters.stacks()) {
                muon.add(new Muon(
                        kernels,
                        stack,
                        slice(momentum, stack.range()).reshape(stack.masters().getShape())));
            }
        } else {
            adamw.add(new AdamW(kernels, "hidden", hidden, settings.weightDecay()));
        }
        if (!embeddings.isEmpty()) {
            adamw.add(new AdamW(kernels, "embeddings", embeddings, settings.weightDecay()));
        }
        adamw.add(new AdamW(kernels, "vectors", vectors, 0));
        this.allGradients = TorchValue.listOf(Stream.of(hidden, embeddings, vectors)
                .flatMap(List::stream)
                .flatMap(range -> chunks(parameters.gradients(range)).stream())
                .toList());
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

    /** Where ranges lie in a buffer that has room for nothing else. */
    private static List<Range> sideBySide(List<Range> ranges) {
        List<Range> places = new ArrayList<>();
        long end = 0;
        for (Range range : ranges) {
            places.add(new Range(end, end + range.size()));
            end += range.size();
        }
        return places;
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

    /** AdamW over some ranges of the parameters. */
    private final class AdamW {
        private final TorchCall step;
        private final double decay;
        private final TorchValue masters;
        private final TorchValue gradients;
        private final TorchValue first;
        private final TorchValue second;
        private final TorchValue weights;

        AdamW(TorchKernels kernels, String name, List<Range> ranges, double decay) {
            this.step = kernels.call("adamw_");
            this.decay = decay;
            List<Range> own = sideBySide(ranges);
            long size = own.get(own.size() - 1).end();
            NDArray moment1 = buffer(name + ".moment1", size);
            NDArray moment2 = buffer(name + ".moment2", size);
            Parameters parameters = gpt.weights();
            this.masters = chunks(ranges, range -> slice(parameters.masters(), range));
            this.gradients = chunks(ranges, parameters::gradients);
            this.first = chunks(own, range -> slice(moment1, range));
            this.second = chunks(own, range -> slice(moment2, range));
            this.weights = chunks(ranges, range -> slice(parameters.weights(), range));
        }

        private TorchValue chunks(List<Range> ranges, Function<Range, NDArray> view) {
            return TorchValue.listOf(ranges.stream()
                    .flatMap(range -> Optimizer.this.chunks(view.apply(range)).stream())
                    .toList());
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

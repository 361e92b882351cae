package io.bardstream.train;

import ai.djl.ndarray.NDArray;
import io.bardstream.checkpoint.SafeTensors;
import io.bardstream.checkpoint.SafeTensorsWriter;
import io.bardstream.checkpoint.TensorInfo;
import io.bardstream.checkpoint.TensorType;
import io.bardstream.event.Hyperparameters;
import io.bardstream.gpt.Dropout;
import io.bardstream.gpt.ForwardPass;
import io.bardstream.gpt.Gpt;
import io.bardstream.gpt.TensorBytes;
import io.bardstream.kernel.Precision;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * One training step: forward, objective, backward and accumulation for each micro-batch, then clipping and the
 * optimizer's update. It is a pure function of the weights, the optimizer's state, the seed, the step's number and the
 * batches: on the CPU, at equal thread counts, bitwise.
 *
 * <p>Not for several threads at once. Closing it frees gradients and optimizer state; the model stays.
 */
public final class TrainStep implements AutoCloseable {
    private final Gpt gpt;
    private final Optimizer optimizer;
    private final double dropout;
    private final long seed;
    private final boolean accumulates;
    private final boolean recomputes;
    private final int firstTrained; // layer

    /**
     * @param dropout share of activations dropped on embeddings and residual branches, in [0, 1)
     * @param seed of the dropout masks
     */
    public TrainStep(Gpt gpt, OptimizerSettings settings, double dropout, long seed) {
        this(gpt, settings, dropout, seed, true, false);
    }

    /** The step that a run's hyperparameters describe. */
    public static TrainStep of(Gpt gpt, Hyperparameters run, long seed) {
        return new TrainStep(
                gpt,
                OptimizerSettings.of(run),
                run.dropout(),
                seed,
                run.gradientAccumulation() > 1,
                run.activationRecomputation());
    }

    /** Without accumulation, gradients that come out of products in bfloat16 stay so: no bit is lost, and half the memory. */
    private TrainStep(
            Gpt gpt, OptimizerSettings settings, double dropout, long seed, boolean accumulates, boolean recomputes) {
        this.gpt = gpt;
        this.accumulates = accumulates;
        this.recomputes = recomputes;
        this.dropout = new Dropout(dropout, seed, 0, 0).rate();
        this.seed = seed;
        this.firstTrained = settings.lastBlockOnly() ? gpt.config().layers() - 1 : gpt.firstTrained();
        gpt.weights().train(accumulates ? Precision.FLOAT32 : gpt.compute().precision());
        this.optimizer = new Optimizer(gpt, settings);
    }

    /**
     * Takes a step of next-token prediction.
     *
     * @param step its number, which selects the dropout masks
     * @throws NotFiniteException if loss or gradient is not finite; the weights are then as before
     */
    public StepResult step(long step, double learningRate, List<Batch> microBatches) {
        return advance(
                step, learningRate, microBatches.stream().map(NextToken::new).toList());
    }

    /** Takes a step of any objective; the loss is the mean over all micro-batches, each by its weight. */
    public StepResult advance(long step, double learningRate, List<? extends Objective> microBatches) {
        if (microBatches.size() > 1 && !accumulates) {
            throw new IllegalArgumentException(microBatches.size()
                    + " micro-batches were given to a step that was made for a gradient_accumulation of 1");
        }
        double total = microBatches.stream().mapToDouble(Objective::weight).sum();
        double loss = 0;
        long tokens = 0;
        gpt.weights().clearGradients();
        for (int micro = 0; micro < microBatches.size(); micro++) {
            Objective objective = microBatches.get(micro);
            double share = objective.weight() / total;
            try (ForwardPass pass = ForwardPass.training(
                    gpt.compute(), new Dropout(dropout, seed, step, micro), recomputes, firstTrained)) {
                NDArray input = objective.tokens(pass); // (B, T)
                NDArray hidden = gpt.forward(input, pass); // (B·T, C)
                Objective.Outcome outcome = objective.apply(gpt, hidden, share, pass); // loss, (B·T, C)
                hidden.close();
                gpt.backward(outcome.dHidden(), pass);
                loss += share * outcome.loss().getFloat();
                tokens += input.size();
            }
        }
        double norm = optimizer.gradientNorm();
        if (!Double.isFinite(loss) || !Double.isFinite(norm)) {
            throw new NotFiniteException(step, loss, norm);
        }
        optimizer.update(learningRate, norm);
        return new StepResult(loss, norm, tokens);
    }

    /** Writes the optimizer's state to a safetensors file that must not exist yet, for exact resume. */
    public void saveOptimizer(Path file) throws IOException {
        SafeTensorsWriter writer = new SafeTensorsWriter();
        addOptimizer(writer, "");
        writer.write(file);
    }

    /** Adds the optimizer's state to a file that holds more, under names that begin with a prefix. */
    public void addOptimizer(SafeTensorsWriter writer, String prefix) {
        optimizer
                .state()
                .forEach((name, array) -> writer.add(
                        TensorInfo.of(prefix + name, TensorType.F32, array.size()),
                        sink -> TensorBytes.write(array, sink, gpt.compute().kernels())));
    }

    /**
     * Reads what {@link #saveOptimizer} wrote.
     *
     * @throws IllegalArgumentException if it is the state of another optimizer or another shape; nothing has
     *     changed then
     */
    public void loadOptimizer(Path file) throws IOException {
        try (SafeTensors stored = SafeTensors.open(file)) {
            loadOptimizer(stored, "");
        }
    }

    /** Reads what {@link #addOptimizer} added. */
    public void loadOptimizer(SafeTensors stored, String prefix) throws IOException {
        Map<String, NDArray> state = optimizer.state();
        Set<String> names = stored.names().stream()
                .filter(name -> name.startsWith(prefix))
                .map(name -> name.substring(prefix.length()))
                .collect(Collectors.toSet());
        if (!names.equals(state.keySet())) {
            throw new IllegalArgumentException("the file holds " + names + "; this optimizer's state is "
                    + state.keySet() + ". Resume with the optimizer the run was started with");
        }
        state.forEach((name, array) -> {
            long elements = stored.info(prefix + name).elements();
            if (elements != array.size()) {
                throw new IllegalArgumentException(
                        "the file has " + elements + " numbers of " + name + "; this model has " + array.size());
            }
        });
        for (Map.Entry<String, NDArray> entry : state.entrySet()) {
            TensorBytes.read(
                    stored,
                    prefix + entry.getKey(),
                    entry.getValue(),
                    gpt.compute().kernels());
        }
    }

    @Override
    public void close() {
        optimizer.close();
        gpt.weights().endTraining();
    }
}

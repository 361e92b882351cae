package io.bardstream.gpt;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import io.bardstream.checkpoint.HuggingFaceFormat;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.Kernels;
import io.bardstream.kernel.Precision;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The weights of a model in flat buffers, one number behind another: float32 masters, copies in compute precision, and
 * gradients. An optimizer walks over the buffers; the model reads views of them.
 *
 * <p>Order: the hidden matrices, kind by kind, so that equal shapes of all layers are one stack; the token and position
 * embeddings; gains and biases, and a head of scores where there is one. The first two groups are matrices and are decayed,
 * the last is not. Gradients of hidden
 * matrices are in {@code gradientPrecision}, all others in float32.
 *
 * <p>A branch has the upper blocks, the last norm and the head for itself and borrows the rest of another model. Buffers,
 * ranges and gradients are then of what is its own.
 */
public final class Parameters implements AutoCloseable {
    /** A range of the flat buffers. */
    public record Range(long start, long end) {
        public long size() {
            return end - start;
        }
    }

    /** The hidden matrices of one kind: (layers, in, out). */
    public record Stack(String kind, NDArray masters, NDArray weights, NDArray gradients, Range range) {}

    private static final List<String> KINDS = List.of("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj");

    private final GptConfig config;
    private final Compute compute;
    private final Parameters below; // whose embeddings and lower blocks these are; null where all are its own
    private final int first; // layer of its own
    private final Kernels kernels;
    private final Map<String, Parameter> byName = new LinkedHashMap<>();
    private final Map<String, Long> offsets = new LinkedHashMap<>();
    private final NDArray masters;
    private final NDArray weights;
    private final Range hidden;
    private final Range embeddings;
    private final Range vectors;
    private NDArray hiddenGradients;
    private NDArray otherGradients;
    private boolean fresh;

    Parameters(GptConfig config, Compute compute, int scores) {
        this(config, compute, scores, null, 0);
    }

    /** Those of a branch. */
    Parameters(GptConfig config, Compute compute, int scores, Parameters below, int first) {
        this.config = config;
        this.compute = compute;
        this.below = below;
        this.first = first;
        this.kernels = compute.kernels();
        Map<String, Shape> shapes = shapes(config, scores, first);
        long offset = 0;
        for (Map.Entry<String, Shape> entry : shapes.entrySet()) {
            offsets.put(entry.getKey(), offset);
            offset += entry.getValue().size();
        }
        long c = config.width();
        hidden = new Range(0, 12 * c * c * (config.layers() - first));
        embeddings = new Range(
                hidden.end(),
                hidden.end() + (first > 0 ? 0 : ((long) config.vocabularySize() + config.contextLength()) * c));
        vectors = new Range(embeddings.end(), offset);
        masters = compute.manager().zeros(new Shape(offset));
        weights = compute.precision() == Precision.FLOAT32 ? masters : kernels.cast(masters, compute.precision());
        shapes.forEach((name, shape) -> byName.put(
                name,
                new Parameter(name, view(masters, offsets.get(name), shape), view(weights, offsets.get(name), shape))));
    }

    private static Map<String, Shape> shapes(GptConfig config, int scores, int first) {
        long c = config.width();
        Map<String, Shape> shapes = new LinkedHashMap<>();
        List<Shape> matrices = List.of(new Shape(c, 3 * c), new Shape(c, c), new Shape(c, 4 * c), new Shape(4 * c, c));
        for (int kind = 0; kind < KINDS.size(); kind++) {
            for (int layer = first; layer < config.layers(); layer++) {
                shapes.put(inBlock(layer, KINDS.get(kind) + ".weight"), matrices.get(kind));
            }
        }
        if (first == 0) {
            shapes.put("transformer.wte.weight", new Shape(config.vocabularySize(), c));
            shapes.put("transformer.wpe.weight", new Shape(config.contextLength(), c));
        }
        for (int layer = first; layer < config.layers(); layer++) {
            shapes.put(inBlock(layer, "ln_1.weight"), new Shape(c));
            shapes.put(inBlock(layer, "ln_1.bias"), new Shape(c));
            shapes.put(inBlock(layer, "attn.c_attn.bias"), new Shape(3 * c));
            shapes.put(inBlock(layer, "attn.c_proj.bias"), new Shape(c));
            shapes.put(inBlock(layer, "ln_2.weight"), new Shape(c));
            shapes.put(inBlock(layer, "ln_2.bias"), new Shape(c));
            shapes.put(inBlock(layer, "mlp.c_fc.bias"), new Shape(4 * c));
            shapes.put(inBlock(layer, "mlp.c_proj.bias"), new Shape(c));
        }
        shapes.put("transformer.ln_f.weight", new Shape(c));
        shapes.put("transformer.ln_f.bias", new Shape(c));
        if (scores > 0) {
            shapes.put(HuggingFaceFormat.SCORE, new Shape(scores, c));
        }
        return shapes;
    }

    private static String inBlock(int layer, String name) {
        return "transformer.h." + layer + "." + name;
    }

    /** A parameter by Hugging Face's name. */
    public Parameter get(String name) {
        Parameter parameter = byName.get(name);
        if (parameter == null && below != null) {
            return below.get(name);
        }
        if (parameter == null) {
            throw new IllegalArgumentException(
                    "no parameter " + name + " in a model of " + config.layers() + " layers");
        }
        return parameter;
    }

    /** A parameter of one block, such as {@code ln_1.weight}. */
    Parameter get(int layer, String name) {
        return get(inBlock(layer, name));
    }

    /** All parameters, borrowed ones first, in the order of the flat buffers. */
    public List<Parameter> all() {
        Map<String, Parameter> all = new LinkedHashMap<>();
        if (below != null) {
            below.all().forEach(parameter -> all.put(parameter.name(), parameter));
        }
        all.putAll(byName);
        return List.copyOf(all.values());
    }

    /** Those that are not borrowed, in the order of the flat buffers. */
    List<Parameter> own() {
        return List.copyOf(byName.values());
    }

    /** The lowest layer that is its own. */
    int firstOwn() {
        return first;
    }

    /** All float32 masters, flat. */
    public NDArray masters() {
        return masters;
    }

    /** All copies in compute precision, flat; the masters themselves in float32. */
    public NDArray weights() {
        return weights;
    }

    public Range hidden() {
        return hidden;
    }

    public Range embeddings() {
        return embeddings;
    }

    public Range vectors() {
        return vectors;
    }

    /** The hidden matrices of the last block. */
    public List<Range> lastHidden() {
        return KINDS.stream()
                .map(kind -> inBlock(config.layers() - 1, kind + ".weight"))
                .map(name -> new Range(
                        offsets.get(name),
                        offsets.get(name) + get(name).master().size()))
                .toList();
    }

    /** Gains and biases of the last block and the last norm, and the head. */
    public Range lastVectors() {
        return new Range(offsets.get(inBlock(config.layers() - 1, "ln_1.weight")), vectors.end());
    }

    /** A view of a range of a flat buffer. */
    public NDArray slice(NDArray flat, Range range) {
        return kernels.slice(flat, range.start(), range.size());
    }

    /**
     * Makes the gradient buffers, which a model that only predicts does without.
     *
     * @param gradientPrecision of the hidden matrices' gradients. A product in bfloat16 is rounded to it anyhow, so
     *     bfloat16 loses nothing when one backward pass makes a step; sums over several want float32
     */
    public void train(Precision gradientPrecision) {
        if (hiddenGradients != null) {
            throw new IllegalStateException(
                    "the gradient buffers exist already; one TrainStep trains a model at a time");
        }
        NDArray zeros = compute.manager().zeros(new Shape(hidden.size()));
        hiddenGradients = gradientPrecision == Precision.FLOAT32 ? zeros : kernels.cast(zeros, gradientPrecision);
        if (hiddenGradients != zeros) {
            zeros.close();
        }
        otherGradients = compute.manager().zeros(new Shape(vectors.end() - hidden.end()));
        byName.forEach((name, parameter) -> {
            long offset = offsets.get(name);
            NDArray buffer = offset < hidden.end() ? hiddenGradients : otherGradients;
            long start = offset < hidden.end() ? offset : offset - hidden.end();
            parameter.gradient(view(buffer, start, parameter.master().getShape()));
        });
        clearGradients();
    }

    /** Frees the gradient buffers. */
    public void endTraining() {
        if (hiddenGradients != null) {
            byName.values().forEach(parameter -> {
                parameter.gradient().close();
                parameter.gradient(null);
            });
            hiddenGradients.close();
            otherGradients.close();
            hiddenGradients = null;
        }
    }

    /** Starts a new sum of gradients. */
    public void clearGradients() {
        kernels.zero(otherGradients);
        fresh = true; // the hidden matrices' are overwritten by the first backward pass, which spares a pass over
        // memory
    }

    /** Whether the hidden matrices' gradients hold nothing yet, so that the backward pass overwrites them. */
    boolean fresh() {
        return fresh;
    }

    /** Says that a backward pass has written all gradients. */
    void written() {
        fresh = false;
    }

    /**
     * A view of a range's gradients. Hidden matrices and the rest lie in two buffers, so a range lies in one of them.
     */
    public NDArray gradients(Range range) {
        return range.start() < hidden.end()
                ? kernels.slice(hiddenGradients, range.start(), range.size())
                : kernels.slice(otherGradients, range.start() - hidden.end(), range.size());
    }

    /** The hidden matrices, one stack for each kind. */
    public List<Stack> stacks() {
        List<Stack> stacks = new ArrayList<>();
        for (String kind : KINDS) {
            Shape one = get(first, kind + ".weight").master().getShape();
            Shape shape = new Shape(config.layers() - first, one.get(0), one.get(1));
            long start = offsets.get(inBlock(first, kind + ".weight"));
            stacks.add(new Stack(
                    kind,
                    view(masters, start, shape),
                    view(weights, start, shape),
                    view(hiddenGradients, start, shape),
                    new Range(start, start + shape.size())));
        }
        return stacks;
    }

    /** Brings the copies in compute precision up to date with the masters. */
    public void refresh() {
        if (weights != masters) {
            kernels.copy(weights, masters);
        }
    }

    @Override
    public void close() {
        endTraining();
        byName.values().forEach(parameter -> {
            parameter.master().close();
            parameter.weight().close();
        });
        masters.close();
        weights.close();
    }

    private NDArray view(NDArray flat, long offset, Shape shape) {
        try (NDArray slice = kernels.slice(flat, offset, shape.size())) {
            return slice.reshape(shape);
        }
    }
}

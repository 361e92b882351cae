package io.bardstream.gpt;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import io.bardstream.checkpoint.HuggingFaceFormat;
import io.bardstream.checkpoint.ModelConfig;
import io.bardstream.checkpoint.SafeTensors;
import io.bardstream.checkpoint.SafeTensorsWriter;
import io.bardstream.checkpoint.TensorInfo;
import io.bardstream.checkpoint.TensorType;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.CounterRandom;
import io.bardstream.kernel.Kernels;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * GPT-2's decoder (Radford et al. 2019): parameters and trunk. The trunk is two functions, {@link #forward} from tokens
 * to hidden states and {@link #backward} from the loss's gradient at the hidden states to gradients of every parameter;
 * an objective is what lies between them.
 *
 * <p>Departures from OpenAI's code: none in the function computed. Attention probabilities are never dropped, so that
 * fused attention can be used. Parameters and the residual stream are float32; with {@link
 * io.bardstream.kernel.Precision#BFLOAT16} matrix products read copies in bfloat16.
 *
 * <p>Not for several threads at once.
 */
public final class Gpt implements AutoCloseable {
    private static final double INITIAL_DEVIATION = 0.02;
    private static final int EMBEDDING = -1; // the layer number of dropout on embeddings

    private final GptConfig config;
    private final Compute compute;
    private final Kernels kernels;
    private final Parameters parameters;
    private final Parameter wte;
    private final Parameter wpe;
    private final List<Block> blocks = new ArrayList<>();
    private final LayerNorm finalNorm;
    private final ScalarHead scalarHead;
    private final int scores;

    private Gpt(GptConfig config, Compute compute, int scores) {
        this(config, compute, scores, new Parameters(config, compute, scores));
    }

    private Gpt(GptConfig config, Compute compute, int scores, Parameters parameters) {
        this.config = config;
        this.compute = compute;
        this.scores = scores;
        this.kernels = compute.kernels();
        this.parameters = parameters;
        this.wte = parameters.get("transformer.wte.weight");
        this.wpe = parameters.get("transformer.wpe.weight");
        for (int layer = 0; layer < config.layers(); layer++) {
            blocks.add(new Block(compute, parameters, config, layer));
        }
        this.finalNorm = new LayerNorm(
                kernels, parameters.get("transformer.ln_f.weight"), parameters.get("transformer.ln_f.bias"));
        this.scalarHead = scores == 1 ? new ScalarHead(kernels, parameters.get(HuggingFaceFormat.SCORE)) : null;
    }

    /**
     * Weights drawn as GPT-2 draws them: N(0, 0.02), projections into the residual stream scaled by 1/√(2·layers)
     * (section 2.3), gains one and biases zero. Each tensor has a generator of its own, seeded by {@code seed} and the
     * tensor's name.
     */
    public static Gpt initialise(GptConfig config, Compute compute, long seed) {
        return initialise(config, compute, 0, seed);
    }

    /** The same with a {@link #labelHead}, drawn as any matrix is. */
    public static Gpt initialiseClassifier(GptConfig config, Compute compute, int labels, long seed) {
        return initialise(config, compute, labels, seed);
    }

    private static Gpt initialise(GptConfig config, Compute compute, int scores, long seed) {
        Gpt gpt = new Gpt(config, compute, scores);
        for (Parameter parameter : gpt.parameters.all()) {
            String name = parameter.name();
            if (name.endsWith("c_proj.weight")) {
                gpt.draw(parameter, INITIAL_DEVIATION / Math.sqrt(2.0 * config.layers()), seed);
            } else if (name.contains(".ln_") && name.endsWith(".weight")) {
                parameter.master().addi(1f);
            } else if (name.endsWith(".weight")) {
                gpt.draw(parameter, INITIAL_DEVIATION, seed);
            }
        }
        gpt.parameters.refresh();
        return gpt;
    }

    private void draw(Parameter parameter, double deviation, long seed) {
        long own = CounterRandom.bits(seed, parameter.name().hashCode()) & 0xffff_ffffL;
        kernels.normal(parameter.master(), deviation, own);
    }

    /**
     * Weights of a Hugging Face GPT-2 folder ({@code config.json}, {@code model.safetensors}), of any floating-point
     * type.
     *
     * @throws IllegalArgumentException naming what is missing or does not fit
     */
    public static Gpt load(Path checkpointFolder, Compute compute) throws IOException {
        return load(checkpointFolder, compute, 0, 0, 0);
    }

    /** The same with a {@link #scalarHead}: the folder's, or one of zeros where it has none. */
    public static Gpt loadWithScalarHead(Path checkpointFolder, Compute compute) throws IOException {
        return load(checkpointFolder, compute, 1, 0, 0);
    }

    /**
     * The same over a vocabulary that extends the folder's: the embeddings of ids that the folder has not are drawn from
     * the normal distribution that has mean and covariance of those it has (Hewitt 2021), so that they are neither likely
     * nor unlikely from the start.
     *
     * @param vocabularySize ids in all; fewer than the folder's, and its own stay
     */
    public static Gpt load(Path checkpointFolder, Compute compute, int vocabularySize, long seed) throws IOException {
        return load(checkpointFolder, compute, 0, vocabularySize, seed);
    }

    /** A classifier's folder with its {@link #labelHead}. */
    public static Gpt loadClassifier(Path checkpointFolder, Compute compute) throws IOException {
        List<String> labels = HuggingFaceFormat.readConfig(checkpointFolder).labels();
        if (labels == null) {
            throw new IllegalArgumentException(checkpointFolder + " holds no classifier");
        }
        return load(checkpointFolder, compute, labels.size(), 0, 0);
    }

    /**
     * Any folder with a {@link #labelHead} for these labels: the folder's where it has one for the same, or else one drawn as
     * GPT-2 draws matrices. The vocabulary may extend the folder's.
     */
    public static Gpt loadClassifier(
            Path checkpointFolder, Compute compute, List<String> labels, int vocabularySize, long seed)
            throws IOException {
        Gpt gpt = load(checkpointFolder, compute, labels.size(), vocabularySize, seed);
        if (!labels.equals(HuggingFaceFormat.readConfig(checkpointFolder).labels())) {
            gpt.draw(gpt.labelHead(), INITIAL_DEVIATION, seed);
            gpt.parameters.refresh();
        }
        return gpt;
    }

    private static Gpt load(Path checkpointFolder, Compute compute, int scores, int vocabularySize, long seed)
            throws IOException {
        ModelConfig stored = HuggingFaceFormat.readConfig(checkpointFolder);
        int ids = Math.max(vocabularySize, stored.vocabularySize());
        Gpt gpt = new Gpt(GptConfig.of(stored).withVocabularySize(ids), compute, scores);
        try (SafeTensors file = SafeTensors.open(checkpointFolder.resolve(HuggingFaceFormat.WEIGHTS))) {
            for (Map.Entry<String, String> name :
                    HuggingFaceFormat.locate(file, stored).entrySet()) {
                long[] shape = HuggingFaceFormat.shapes(stored).get(name.getKey());
                NDArray master = gpt.parameters.get(name.getKey()).master();
                try (NDArray flat = master.reshape(master.size());
                        NDArray known = gpt.kernels.slice(flat, 0, new Shape(shape).size())) { // all, unless it grows
                    TensorBytes.read(file, name.getValue(), known, gpt.kernels);
                }
            }
            for (int id = stored.vocabularySize(); id < ids; id++) {
                long own = CounterRandom.bits(seed, id) & 0xffff_ffffL;
                gpt.kernels.drawRow(gpt.wte.master(), stored.vocabularySize(), id, own);
            }
            if (scores > 0
                    && file.has(HuggingFaceFormat.SCORE)
                    && file.info(HuggingFaceFormat.SCORE).shape().get(0) == scores) {
                TensorBytes.read(
                        file,
                        HuggingFaceFormat.SCORE,
                        gpt.parameters.get(HuggingFaceFormat.SCORE).master(),
                        gpt.kernels);
            }
        } catch (IOException | RuntimeException e) {
            gpt.close();
            throw e;
        }
        gpt.parameters.refresh();
        return gpt;
    }

    /**
     * A model that reads this one's embeddings and lower blocks, which are in memory once, and has the upper blocks, the last
     * norm and the head for itself: at first copies of this one's. Only what is its own is trained. This one must not be, and
     * must live longer.
     *
     * @param layers upper blocks of its own, from 1 to one less than there are
     */
    public Gpt branch(int layers) {
        if (layers < 1 || layers >= config.layers()) {
            throw new IllegalArgumentException("a branch of " + layers + " layers was asked for; a model of "
                    + config.layers() + " has branches of 1 to " + (config.layers() - 1));
        }
        Parameters own = new Parameters(config, compute, scores, parameters, config.layers() - layers);
        Gpt branch = new Gpt(config, compute, scores, own);
        branch.copy(this);
        return branch;
    }

    /** Takes over the weights of a model of the same shape, as far as they are its own. */
    public void copy(Gpt other) {
        for (Parameter parameter : parameters.own()) {
            kernels.copy(
                    parameter.master(), other.parameters.get(parameter.name()).master());
        }
        parameters.refresh();
    }

    /** The lowest layer that is trained where all is that may be: above 0 in a {@link #branch}. */
    public int firstTrained() {
        return parameters.firstOwn();
    }

    public GptConfig config() {
        return config;
    }

    public Compute compute() {
        return compute;
    }

    /** Every weight, as flat buffers and by name. */
    public Parameters weights() {
        return parameters;
    }

    /**
     * Float32 masters by Hugging Face's names ({@code transformer.h.0.attn.c_attn.weight}), Conv1D weights as {@code
     * [in, out]}.
     */
    public Map<String, NDArray> parameters() {
        Map<String, NDArray> masters = new LinkedHashMap<>();
        parameters.all().forEach(parameter -> masters.put(parameter.name(), parameter.master()));
        return masters;
    }

    /** The token embedding (V, C) in compute precision, which is the head as well. */
    public Parameter tokenEmbedding() {
        return wte;
    }

    /** The head that a reward or value model was loaded with. */
    public ScalarHead scalarHead() {
        if (scalarHead == null) {
            throw new IllegalStateException("this model has no scalar head; load it by loadWithScalarHead");
        }
        return scalarHead;
    }

    /** The head (K, C) of a classifier, whose K rows score the labels: {@code score.weight} of transformers. */
    public Parameter labelHead() {
        Parameter head = parameters.get(HuggingFaceFormat.SCORE);
        if (scalarHead != null) {
            throw new IllegalStateException("this model scores texts and labels none; load it by loadClassifier");
        }
        return head;
    }

    /** Hidden states after the last norm, (B·T, C) in compute precision, of {@code tokens} (B, T) int64. */
    public NDArray forward(NDArray tokens, ForwardPass pass) {
        return forward(tokens, pass, x -> {});
    }

    /** The same, showing the residual stream (B·T, C) after each block, float32, to one who only looks at it. */
    public NDArray forward(NDArray tokens, ForwardPass pass, Consumer<NDArray> afterBlock) {
        if (tokens.getShape().get(1) > config.contextLength()) {
            throw new IllegalArgumentException("a sequence of "
                    + tokens.getShape().get(1) + " tokens does not fit the context of " + config.contextLength());
        }
        pass.tokens(tokens);
        pass.enter(0);
        NDArray x = kernels.embedding(tokens, wte.master(), wpe.master(), pass.positions()); // (B·T, C) float32
        NDArray mask = pass.dropout().mask(kernels, x, EMBEDDING, 0); // (B·T, C) booleans, or null
        if (mask != null) {
            kernels.mask(x, mask, pass.dropout().scale());
            pass.save(mask);
        }
        for (int layer = 0; layer < blocks.size(); layer++) {
            pass.enter(layer);
            int before = pass.savedCount();
            NDArray y = blocks.get(layer).forward(x, pass); // (B·T, C)
            if (pass.recomputes() && pass.keeps()) {
                pass.keepOnly(x, before);
            }
            x = y;
            afterBlock.accept(x);
        }
        return finalNorm.forward(x, pass); // (B·T, C)
    }

    /**
     * Adds to the gradient buffers what {@code dHidden} (B·T, C) implies, consuming it and what the forward pass saved. Of
     * what lies below the pass's first trained layer nothing is computed.
     */
    public void backward(NDArray dHidden, ForwardPass pass) {
        NDArray dx = finalNorm.backward(dHidden, null, pass); // (B·T, C) float32
        for (int layer = blocks.size() - 1; layer >= pass.firstTrained(); layer--) {
            if (pass.recomputes()) {
                NDArray x = pass.restore().get(0); // (B·T, C), saved once more and freed by the block's backward pass
                blocks.get(layer).forward(x, pass).close();
            }
            dx = blocks.get(layer).backward(dx, pass); // (B·T, C)
        }
        if (pass.firstTrained() == 0) {
            embeddingBackward(dx, pass);
        }
        dx.close();
        parameters.written();
    }

    private void embeddingBackward(NDArray dx, ForwardPass pass) {
        if (pass.dropout().rate() > 0) {
            try (NDArray mask = pass.restore().get(0)) {
                kernels.mask(dx, mask, pass.dropout().scale());
            }
        }
        kernels.embeddingBackward(dx, pass.tokens(), wte.gradient(), wpe.gradient(), pass.positions());
    }

    /** Float32 logits (N, V) of hidden states (N, C), by the tied head. */
    public NDArray logits(NDArray hidden) {
        return kernels.logits(hidden, wte.weight());
    }

    /** Token ids (B, T) as the trunk takes them. */
    public static NDArray tokens(ForwardPass pass, int rows, int length, int... ids) {
        return pass.upload(new Shape(rows, length), ids); // (B, T)
    }

    /**
     * Writes {@code model.safetensors}, which must not exist yet, with Hugging Face's names and orientation, float32,
     * the tied head not stored, a scalar head as {@code score.weight}.
     */
    public void save(Path file) throws IOException {
        SafeTensorsWriter writer = new SafeTensorsWriter();
        for (Parameter parameter : parameters.all()) {
            NDArray master = parameter.master();
            writer.add(
                    TensorInfo.of(
                            parameter.name(), TensorType.F32, master.getShape().getShape()),
                    sink -> TensorBytes.write(master, sink, kernels));
        }
        writer.write(file);
    }

    /** Frees the weights. */
    @Override
    public void close() {
        parameters.close();
    }
}

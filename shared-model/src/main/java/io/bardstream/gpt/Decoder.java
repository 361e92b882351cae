package io.bardstream.gpt;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.bardstream.checkpoint.HuggingFaceFormat;
import io.bardstream.checkpoint.ModelConfig;
import io.bardstream.checkpoint.SafeTensors;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.Precision;
import io.bardstream.kernel.TorchKernels;
import io.bardstream.kernel.TorchValue;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/**
 * Generates with a GPT-2, token by token, for a fixed number of slots at once. A slot takes a prompt ({@link #begin},
 * {@link #prefill}) and then one token a step ({@link #step}), each at its own position, until its context is full.
 *
 * <p>What a slot answers depends on its own tokens alone, to the last bit: a step always computes all slots, in one shape,
 * whatever they hold, and a prompt is computed by itself, in pieces whose sizes follow from its length. Equal tokens give
 * equal logits in every slot layout on the same device with as many threads and slots.
 *
 * <p>One thread at a time. Different decoders may work at the same time. The weights are copies: nothing that happens to
 * the {@link Gpt} or folder afterwards reaches this.
 */
public final class Decoder implements AutoCloseable {
    /** Stands for no token in {@link #step}: the slot sits this step out. */
    public static final int NONE = -1;

    private static final int PIECE = 64;
    private static final int SMALLEST_PIECE = 8;

    private final GptConfig config;
    private final NDManager manager;
    private final TorchKernels kernels;
    private final boolean onednn;
    private final NDArray embedding; // (V, C)
    private final NDArray placesEmbedding; // (T, C)
    private final TorchValue weights;
    private final KvCache cache;
    private final Slot[] slots;

    /** What one slot has been given so far. */
    private static final class Slot {
        private int[] prompt = new int[0];
        private int length;
    }

    /** Finds a parameter, float32, by Hugging Face's name and in its orientation, in a manager. */
    @FunctionalInterface
    private interface Parameters {
        NDArray get(String name, NDManager scope) throws IOException;
    }

    private Decoder(GptConfig config, Compute compute, int slots, Parameters parameters) throws IOException {
        if (slots < 1) {
            throw new IllegalArgumentException("slots is " + slots + "; at least one is needed");
        }
        this.config = config;
        this.manager = compute.scope();
        this.kernels = compute.kernels("/io/bardstream/gpt/decode.py");
        this.onednn = !compute.cuda();
        this.slots = new Slot[slots];
        for (int i = 0; i < slots; i++) {
            this.slots[i] = new Slot();
        }
        try {
            Copies copies = new Copies(parameters, compute.precision());
            this.embedding = copies.embedding("wte.weight");
            this.placesEmbedding = copies.embedding("wpe.weight");
            this.weights = TorchValue.listOf(copies.weights());
            this.cache = new KvCache(config, slots, embedding, kernels, manager);
        } catch (IOException | RuntimeException e) {
            manager.close();
            throw e;
        }
    }

    /** A decoder over the weights as they are now. */
    public static Decoder of(Gpt gpt, int slots) {
        Map<String, NDArray> parameters = gpt.parameters();
        try {
            return new Decoder(gpt.config(), gpt.compute(), slots, (name, scope) -> parameters
                    .get(name)
                    .duplicate());
        } catch (IOException e) {
            throw new IllegalStateException("nothing was read", e);
        }
    }

    /**
     * A decoder over a Hugging Face GPT-2 folder.
     *
     * @throws IllegalArgumentException if the folder is not one, naming what does not fit
     */
    public static Decoder load(Path folder, Compute compute, int slots) throws IOException {
        ModelConfig model = HuggingFaceFormat.readConfig(folder);
        GptConfig config = GptConfig.of(model);
        try (SafeTensors file = SafeTensors.open(folder.resolve(HuggingFaceFormat.WEIGHTS))) {
            Map<String, String> stored = HuggingFaceFormat.locate(file, model);
            return new Decoder(config, compute, slots, (name, scope) -> {
                List<Long> shape = file.info(stored.get(name)).shape();
                Shape dimensions =
                        new Shape(shape.stream().mapToLong(Long::longValue).toArray());
                FloatBuffer floats = FloatBuffer.allocate(Math.toIntExact(dimensions.size()));
                file.readFloats(stored.get(name), 0, floats);
                return scope.create(floats.flip(), dimensions);
            });
        }
    }

    public GptConfig config() {
        return config;
    }

    public int slots() {
        return slots.length;
    }

    /** How many tokens the slot holds. */
    public int length(int slot) {
        return slots[slot].length;
    }

    /** Whether the slot can take no further token. */
    public boolean full(int slot) {
        return slots[slot].length == config.contextLength();
    }

    /** Empties a slot and gives it a prompt, of which nothing is computed yet. */
    public void begin(int slot, int... prompt) {
        if (prompt.length == 0 || prompt.length > config.contextLength()) {
            throw new IllegalArgumentException(
                    "the prompt has " + prompt.length + " tokens; expected 1 to " + config.contextLength());
        }
        for (int token : prompt) {
            checkToken(token);
        }
        slots[slot].prompt = prompt.clone();
        slots[slot].length = 0;
    }

    /**
     * What computing one piece of a prompt gave.
     *
     * @param next  logits of the token after the prompt, (V), or null while a part of the prompt is still to be computed
     * @param after logits after each of the piece's tokens, or null where they were not asked for
     */
    public record Piece(float[] next, float[][] after) {}

    /**
     * Computes the next piece of a slot's prompt, at most {@value #PIECE} tokens, so that other slots can take a step
     * between two pieces.
     *
     * @param all whether the logits after every token of the piece are wanted
     */
    public Piece prefill(int slot, boolean all) {
        Slot state = slots[slot];
        int start = state.length;
        int count = Math.min(PIECE, state.prompt.length - start);
        if (count < 1) {
            throw new IllegalStateException("slot " + slot + " has no prompt left to compute");
        }
        // A short piece is filled up, so that there are few shapes; what fills it up is overwritten by what follows.
        int padded = Math.max(SMALLEST_PIECE, Integer.highestOneBit(2 * count - 1));
        long[] tokens = new long[start + padded <= config.contextLength() ? padded : count];
        for (int i = 0; i < count; i++) {
            tokens[i] = state.prompt[start + i];
        }
        try (NDManager scope = manager.newSubManager()) {
            NDArray hidden = kernels.call("prefill")
                    .tensor(
                            scope.create(tokens),
                            embedding,
                            placesEmbedding,
                            weights,
                            cache.tensors(),
                            cache.rows(),
                            cache.places(),
                            slot,
                            start,
                            ModelConfig.LAYER_NORM_EPSILON,
                            onednn); // (P, C)
            state.length += count;
            boolean last = state.length == state.prompt.length;
            float[] next = last ? logits(hidden, count - 1, 1)[0] : null;
            return new Piece(next, all ? logits(hidden, 0, count) : null);
        }
    }

    /** Computes the whole rest of a slot's prompt and returns the logits of the token after it. (V) */
    public float[] prefill(int slot) {
        float[] next = null;
        while (next == null) {
            next = prefill(slot, false).next();
        }
        return next;
    }

    /**
     * Gives each slot its next token and returns the logits of the one after it.
     *
     * @param tokens one for each slot; {@link #NONE} where a slot sits out
     * @return for each slot its logits (V), null where it sat out
     */
    public float[][] step(int... tokens) {
        if (tokens.length != slots.length) {
            throw new IllegalArgumentException("got " + tokens.length + " tokens for " + slots.length + " slots");
        }
        long[] inputs = new long[slots.length];
        long[] positions = new long[slots.length];
        int furthest = 0;
        for (int i = 0; i < slots.length; i++) {
            Slot slot = slots[i];
            if (tokens[i] != NONE) {
                checkToken(tokens[i]);
                checkReady(i);
                inputs[i] = tokens[i];
                furthest = Math.max(furthest, slot.length);
            }
            // A slot that sits out writes where its own next token will overwrite it.
            positions[i] = Math.min(slot.length, config.contextLength() - 1);
        }
        try (NDManager scope = manager.newSubManager()) {
            NDArray logits = kernels.call("step")
                    .tensor(
                            scope.create(inputs),
                            scope.create(positions),
                            embedding,
                            placesEmbedding,
                            weights,
                            cache.tensors(),
                            cache.rows(),
                            cache.places(),
                            cache.blocksUpTo(furthest),
                            ModelConfig.LAYER_NORM_EPSILON,
                            onednn); // (S, V)
            FloatBuffer values = logits.toByteBuffer().asFloatBuffer();
            float[][] result = new float[slots.length][];
            for (int i = 0; i < slots.length; i++) {
                if (tokens[i] != NONE) {
                    result[i] = row(values, i);
                    slots[i].length++;
                }
            }
            return result;
        }
    }

    /** Empties a slot. */
    public void free(int slot) {
        slots[slot].prompt = new int[0];
        slots[slot].length = 0;
    }

    @Override
    public void close() {
        cache.close();
        weights.close();
        manager.close();
    }

    private float[][] logits(NDArray hidden, int from, int count) {
        FloatBuffer values = kernels.call("logits")
                .tensor(hidden, from, count, weights, onednn)
                .toByteBuffer()
                .asFloatBuffer();
        float[][] rows = new float[count][];
        for (int i = 0; i < count; i++) {
            rows[i] = row(values, i);
        }
        return rows;
    }

    private float[] row(FloatBuffer values, int row) {
        float[] logits = new float[config.vocabularySize()];
        values.get(row * logits.length, logits);
        return logits;
    }

    private void checkToken(int token) {
        if (token < 0 || token >= config.vocabularySize()) {
            throw new IllegalArgumentException(
                    "token " + token + " is not in the vocabulary of " + config.vocabularySize());
        }
    }

    private void checkReady(int slot) {
        if (slots[slot].length == 0 || slots[slot].length < slots[slot].prompt.length) {
            throw new IllegalStateException("slot " + slot + " got a token before its prompt was computed");
        }
        if (full(slot)) {
            throw new IllegalStateException(
                    "slot " + slot + " holds " + config.contextLength() + " tokens, all that its context takes");
        }
    }

    /** Copies parameters into the layout and number format of the kernels. */
    private final class Copies {
        private final Parameters parameters;
        private final int dtype;

        Copies(Parameters parameters, Precision precision) {
            this.parameters = parameters;
            this.dtype = precision == Precision.BFLOAT16 ? 15 : 6; // numbers of c10::ScalarType
        }

        NDArray embedding(String name) throws IOException {
            return copy(name, parameter -> kernels.call("as_type").tensor(parameter, dtype));
        }

        List<NDArray> weights() throws IOException {
            List<NDArray> list = new ArrayList<>();
            for (int layer = 0; layer < config.layers(); layer++) {
                String block = "h." + layer + ".";
                addNorm(list, block + "ln_1");
                addLinear(list, block + "attn.c_attn");
                addLinear(list, block + "attn.c_proj");
                addNorm(list, block + "ln_2");
                addLinear(list, block + "mlp.c_fc");
                addLinear(list, block + "mlp.c_proj");
            }
            addNorm(list, "ln_f");
            list.add(head());
            return list;
        }

        private void addNorm(List<NDArray> list, String name) throws IOException {
            list.add(copy(name + ".weight", parameter -> kernels.call("as_type").tensor(parameter, 6)));
            list.add(copy(name + ".bias", parameter -> kernels.call("as_type").tensor(parameter, 6)));
        }

        private void addLinear(List<NDArray> list, String name) throws IOException {
            list.add(copy(name + ".weight", parameter -> kernels.call("linear_layout")
                    .tensor(parameter, dtype, true, packedFor())));
            list.add(copy(name + ".bias", parameter -> kernels.call("as_type").tensor(parameter, dtype)));
        }

        /** The head is the token embedding; where weights are packed it needs a copy of its own. */
        private NDArray head() throws IOException {
            return packedFor() == 0
                    ? embedding
                    : copy("wte.weight", parameter -> kernels.call("linear_layout")
                            .tensor(parameter, dtype, false, packedFor()));
        }

        private int packedFor() {
            return onednn ? slots.length : 0;
        }

        private NDArray copy(String name, UnaryOperator<NDArray> layout) throws IOException {
            try (NDManager scope = manager.newSubManager();
                    NDArray parameter = parameters.get("transformer." + name, scope)) {
                NDArray result = layout.apply(parameter);
                result.attach(manager);
                return result;
            }
        }
    }
}

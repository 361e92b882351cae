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
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Generates with a GPT-2, token by token, for a fixed number of slots at once. A slot takes a prompt ({@link #begin},
 * {@link #prefill}) and then one token a step ({@link #step}), each at its own position, until its context is full.
 *
 * <p>What a slot answers depends on its own tokens alone, to the last bit: a step always computes all slots, in one shape,
 * whatever they hold, and a prompt is computed by itself, or as one of a fixed number, in pieces whose sizes follow from its
 * length. Equal tokens give equal logits in every slot layout on the same device with as many threads and slots.
 *
 * <p>One thread at a time. Different decoders may work at the same time. The weights are copies: nothing that happens to
 * the {@link Gpt} or folder afterwards reaches this.
 */
public final class Decoder implements AutoCloseable {
    /** Stands for no token in {@link #step}: the slot sits this step out. */
    public static final int NONE = -1;

    private static final int PIECE = 64;
    private static final int SMALLEST_PIECE = 8;

    /** Prompts that are computed together, fewer being filled up to as many. */
    public static final int PROMPTS = 8;

    /** Positions of a cache's block: long ones where texts of any length are served, short ones where lengths are known. */
    private static final int LONG_BLOCK = 256;

    private static final int SHORT_BLOCK = 64;

    private final GptConfig config;
    private final NDManager manager;
    private final TorchKernels kernels;
    private final boolean onednn;
    private final NDArray embedding; // (V, C)
    private final NDArray placesEmbedding; // (T, C)
    private final TorchValue weights;
    private final KvCache cache;
    private final Slot[] slots;
    private final int room;

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

    private Decoder(GptConfig config, Compute compute, int slots, int room, int block, Parameters parameters)
            throws IOException {
        if (slots < 1) {
            throw new IllegalArgumentException("slots is " + slots + "; at least one is needed");
        }
        this.config = config;
        this.manager = compute.scope();
        this.kernels = compute.kernels("/io/bardstream/gpt/decode.py");
        this.onednn = !compute.cuda();
        this.room = room;
        this.slots = new Slot[slots];
        for (int i = 0; i < slots; i++) {
            this.slots[i] = new Slot();
        }
        try {
            Copies copies = new Copies(parameters, compute.precision());
            this.embedding = copies.embedding("wte.weight");
            this.placesEmbedding = copies.embedding("wpe.weight");
            this.weights = TorchValue.listOf(copies.weights());
            this.cache = new KvCache(config, slots, room, block, embedding, kernels, manager);
        } catch (IOException | RuntimeException e) {
            manager.close();
            throw e;
        }
    }

    /** A decoder over the weights as they are now. */
    public static Decoder of(Gpt gpt, int slots) {
        return of(gpt, slots, gpt.config().contextLength(), longBlock(gpt.config()));
    }

    /**
     * A decoder over the weights as they are now, for texts whose lengths are known: its cache is no longer than they are. How
     * long that is changes no bit of an answer.
     *
     * @param room tokens that a slot takes at most
     */
    public static Decoder of(Gpt gpt, int slots, int room) {
        if (room < 1 || room > gpt.config().contextLength()) {
            throw new IllegalArgumentException("room is " + room + "; expected 1 to "
                    + gpt.config().contextLength() + ", the context of the model");
        }
        return of(gpt, slots, room, SHORT_BLOCK);
    }

    private static Decoder of(Gpt gpt, int slots, int room, int block) {
        Map<String, NDArray> parameters = gpt.parameters();
        try {
            return new Decoder(gpt.config(), gpt.compute(), slots, room, block, (name, scope) -> parameters
                    .get(name)
                    .duplicate());
        } catch (IOException e) {
            throw new IllegalStateException("nothing was read", e);
        }
    }

    private static int longBlock(GptConfig config) {
        return Math.min(LONG_BLOCK, config.contextLength());
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
            return new Decoder(config, compute, slots, config.contextLength(), longBlock(config), (name, scope) -> {
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
        return slots[slot].length == room;
    }

    /** Empties a slot and gives it a prompt, of which nothing is computed yet. */
    public void begin(int slot, int... prompt) {
        if (prompt.length == 0 || prompt.length > room) {
            throw new IllegalArgumentException("the prompt has " + prompt.length + " tokens; expected 1 to " + room);
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
        Window window = window(slot);
        int count = window.count(slots[slot].prompt);
        try (NDManager scope = manager.newSubManager()) {
            NDArray hidden = hidden(scope, window, slot); // (P, C)
            slots[slot].length += count;
            float[] next = rest(slot) == 0 ? logits(hidden, count - 1)[0] : null;
            return new Piece(
                    next, all ? logits(hidden, IntStream.range(0, count).toArray()) : null);
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
     * Computes the whole rest of some slots' prompts, {@value #PROMPTS} of about the same length at a time.
     *
     * @return for each of these slots the logits of the token after its prompt (V)
     */
    public float[][] prefillTogether(int... chosen) {
        float[][] next = new float[slots.length][];
        List<Integer> waiting = IntStream.of(chosen).boxed().collect(Collectors.toCollection(ArrayList::new));
        while (!waiting.isEmpty()) {
            Window window = window(waiting.get(0));
            int[] alike = waiting.stream()
                    .filter(slot -> window(slot).equals(window))
                    .limit(PROMPTS)
                    .mapToInt(Integer::intValue)
                    .toArray();
            prefillTogether(window, alike, next);
            waiting.removeIf(slot -> next[slot] != null);
        }
        return IntStream.of(chosen).mapToObj(slot -> next[slot]).toArray(float[][]::new);
    }

    private void prefillTogether(Window window, int[] alike, float[][] next) {
        int[] rows = IntStream.range(0, PROMPTS)
                .map(row -> alike[Math.min(row, alike.length - 1)])
                .toArray(); // filled up with the last one, whose numbers are then written again
        int[] ends = IntStream.range(0, PROMPTS)
                .map(row -> row * window.length() + window.count(slots[rows[row]].prompt) - 1)
                .toArray();
        try (NDManager scope = manager.newSubManager()) {
            float[][] logits = logits(hidden(scope, window, rows), ends); // (R, V)
            for (int row = 0; row < alike.length; row++) {
                int slot = alike[row];
                slots[slot].length += window.count(slots[slot].prompt);
                next[slot] = rest(slot) == 0 ? logits[row] : null;
            }
        }
    }

    /**
     * Positions whose tokens are computed at once. A short piece of a prompt is filled up, so that there are few shapes; what
     * fills it up is overwritten by what follows.
     */
    private record Window(int start, int length) {
        /** How many tokens of a prompt lie in it. */
        int count(int... prompt) {
            return Math.min(length, prompt.length - start);
        }
    }

    /** Where the next piece of a slot's prompt lies: a function of the prompt's length and of what is done of it. */
    private Window window(int slot) {
        int start = slots[slot].length;
        int count = Math.min(PIECE, rest(slot));
        if (count < 1) {
            throw new IllegalStateException("slot " + slot + " has no prompt left to compute");
        }
        int padded = Math.max(SMALLEST_PIECE, Integer.highestOneBit(2 * count - 1));
        return new Window(start, start + padded <= config.contextLength() ? padded : count);
    }

    /** Tokens of a slot's prompt that are still to be computed. */
    private int rest(int slot) {
        return slots[slot].prompt.length - slots[slot].length;
    }

    /** The states after the last norm in a window of some slots' prompts, (R·P, C). */
    private NDArray hidden(NDManager scope, Window window, int... rows) {
        long[] tokens = new long[rows.length * window.length()];
        long[] which = new long[rows.length];
        for (int row = 0; row < rows.length; row++) {
            int[] prompt = slots[rows[row]].prompt;
            for (int i = 0; i < window.count(prompt); i++) {
                tokens[row * window.length() + i] = prompt[window.start() + i];
            }
            which[row] = rows[row];
        }
        return kernels.call("prefill")
                .tensor(
                        scope.create(tokens, new Shape(rows.length, window.length())),
                        embedding,
                        placesEmbedding,
                        weights,
                        cache.tensors(),
                        cache.rows(),
                        cache.places(),
                        scope.create(which),
                        window.start(),
                        ModelConfig.LAYER_NORM_EPSILON,
                        onednn);
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
            positions[i] = Math.min(slot.length, room - 1);
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

    /** Logits of some rows of hidden states, (M, V). */
    private float[][] logits(NDArray hidden, int... rows) {
        FloatBuffer values = kernels.call("logits")
                .tensor(
                        hidden,
                        hidden.getManager()
                                .create(IntStream.of(rows).asLongStream().toArray()),
                        weights,
                        onednn)
                .toByteBuffer()
                .asFloatBuffer();
        return IntStream.range(0, rows.length).mapToObj(row -> row(values, row)).toArray(float[][]::new);
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
        if (slots[slot].length == 0 || rest(slot) > 0) {
            throw new IllegalStateException("slot " + slot + " got a token before its prompt was computed");
        }
        if (full(slot)) {
            throw new IllegalStateException("slot " + slot + " holds " + room + " tokens, all that it has room for");
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

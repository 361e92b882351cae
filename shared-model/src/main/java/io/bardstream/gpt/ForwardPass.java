package io.bardstream.gpt;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.Kernels;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/**
 * One way through the trunk: the scope of its arrays and, in training, a stack of what the backward pass will need.
 * Each layer pushes going forward, and pops exactly that going back, so memory is freed as the gradient descends.
 * Closing it frees everything.
 */
public final class ForwardPass implements AutoCloseable {
    private final Compute compute;
    private final Kernels kernels;
    private final NDManager scope;
    private final Dropout dropout;
    private final boolean recomputes;
    private final int firstTrained;
    private boolean keeps;
    private final Deque<List<NDArray>> saved = new ArrayDeque<>();
    private NDArray tokens;
    private NDArray positions;
    private NDArray walls;

    private ForwardPass(Compute compute, Dropout dropout, boolean recomputes, int firstTrained) {
        this.compute = compute;
        this.kernels = compute.kernels();
        this.scope = compute.scope();
        this.dropout = dropout;
        this.recomputes = recomputes;
        this.firstTrained = firstTrained;
    }

    /** A pass that a backward pass follows. */
    public static ForwardPass training(Compute compute, Dropout dropout) {
        return training(compute, dropout, false, 0);
    }

    /**
     * A pass that a backward pass follows.
     *
     * @param recomputes whether of each block only its input is kept, from which the backward pass computes the rest again
     *     (Chen et al. 2016): the same bits in less memory, for a third more time
     * @param firstTrained the lowest layer that learns; above 0 the embeddings and the layers below keep nothing, and the
     *     backward pass ends there
     */
    public static ForwardPass training(Compute compute, Dropout dropout, boolean recomputes, int firstTrained) {
        return new ForwardPass(compute, dropout, recomputes, firstTrained);
    }

    /** A pass that keeps nothing: evaluation. */
    public static ForwardPass inference(Compute compute) {
        return new ForwardPass(compute, Dropout.NONE, false, Integer.MAX_VALUE);
    }

    /** The manager of the pass's arrays. */
    public NDManager scope() {
        return scope;
    }

    /** Numbers of a batch on the device, int64. */
    public NDArray upload(Shape shape, int... numbers) {
        long[] wide = new long[numbers.length];
        for (int i = 0; i < numbers.length; i++) {
            wide[i] = numbers[i];
        }
        return compute.upload(scope, wide, shape);
    }

    /**
     * Says that rows hold several documents side by side: attention does not cross from one to another, and positions
     * count from each one's start. To be said before the forward pass.
     *
     * @param starts for each token, the index in its row at which its document starts, (B, T) int64
     */
    public void documents(NDArray starts) {
        positions = kernels.positions(starts); // (B, T)
        walls = kernels.walls(starts); // (B, 1, T, T)
    }

    /** Each token's position in its document, (B, T); null where each row is one. */
    NDArray positions() {
        return positions;
    }

    /** What is added to attention's scores, (B, 1, T, T); null where each row is one document. */
    NDArray walls() {
        return walls;
    }

    /** The lowest layer that learns. */
    int firstTrained() {
        return firstTrained;
    }

    /** Says which layer comes next; the embeddings are part of layer 0. */
    void enter(int layer) {
        keeps = layer >= firstTrained;
    }

    /** Whether a backward pass will come to the layer that is being computed. */
    boolean keeps() {
        return keeps;
    }

    Dropout dropout() {
        return dropout;
    }

    /**
     * Takes over arrays that the forward pass is done with: keeps them for the backward pass, or frees them when none comes
     * here.
     */
    void save(List<NDArray> arrays) {
        if (keeps) {
            saved.push(arrays);
        } else {
            arrays.forEach(NDArray::close);
        }
    }

    void save(NDArray... arrays) {
        save(List.of(arrays));
    }

    /** Whether the backward pass computes again what a block saves. */
    boolean recomputes() {
        return recomputes;
    }

    /** How many times something was saved. */
    int savedCount() {
        return saved.size();
    }

    /** Frees what was saved since there were {@code count}, and saves {@code kept}, which was among it, instead. */
    void keepOnly(NDArray kept, int count) {
        while (saved.size() > count) {
            for (NDArray array : saved.pop()) {
                if (array != kept) {
                    array.close();
                }
            }
        }
        save(kept);
    }

    /** What was saved last. The caller closes it after use. */
    List<NDArray> restore() {
        return saved.pop();
    }

    NDArray tokens() {
        return tokens;
    }

    void tokens(NDArray ids) {
        tokens = ids;
    }

    static void free(List<NDArray> arrays) {
        arrays.forEach(NDArray::close);
    }

    @Override
    public void close() {
        scope.close();
    }
}

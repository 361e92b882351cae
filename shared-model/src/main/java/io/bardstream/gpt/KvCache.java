package io.bardstream.gpt;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.bardstream.kernel.TorchKernels;
import io.bardstream.kernel.TorchValue;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;

/**
 * Keys and values of every layer for a fixed number of slots, allocated once. Positions lie in blocks, so that a step reads
 * only as far as the furthest slot has come, in pieces whose shape never changes.
 */
final class KvCache implements AutoCloseable {
    private final int block;
    private final int blocks;
    private final TorchValue tensors; // for each layer keys, then values, each (T/W, S, H, W, D)
    private final NDArray rows; // (S, H)
    private final NDArray places; // (T)

    /**
     * @param room tokens that a slot takes at most
     * @param block positions of a block, W
     */
    KvCache(GptConfig config, int slots, int room, int block, NDArray like, TorchKernels kernels, NDManager manager) {
        this.block = block;
        this.blocks = (room + block - 1) / block;
        List<NDArray> caches = new ArrayList<>();
        for (int i = 0; i < 2 * config.layers(); i++) {
            caches.add(
                    kernels.call("new_cache").tensor(like, blocks, slots, config.heads(), block, config.headWidth()));
        }
        caches.forEach(cache -> cache.attach(manager));
        this.tensors = TorchValue.listOf(caches);
        this.rows = manager.create(
                LongStream.range(0, (long) slots * config.heads())
                        .map(row -> row * block)
                        .toArray(),
                new Shape(slots, config.heads()));
        this.places = manager.create(LongStream.range(0, (long) blocks * block).toArray());
    }

    TorchValue tensors() {
        return tensors;
    }

    NDArray rows() {
        return rows;
    }

    NDArray places() {
        return places;
    }

    /** How many blocks hold the positions 0 to {@code furthest}. */
    int blocksUpTo(int furthest) {
        return furthest / block + 1;
    }

    @Override
    public void close() {
        tensors.close();
    }
}

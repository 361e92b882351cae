package io.bardstream.kernel;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.IValue;
import java.util.List;

/**
 * A TorchScript value that lives between calls: a list of tensors built once and passed many times, or a result that
 * Java never looks into. It keeps its tensors alive until it is closed; closing it twice is harmless.
 */
public final class TorchValue implements AutoCloseable {
    private final IValue value;
    private final NDManager home;

    TorchValue(IValue value, NDManager home) {
        this.value = value;
        this.home = home;
    }

    /** A {@code List[Tensor]} of these arrays, which share their storage with it. At least one is needed. */
    public static TorchValue listOf(List<? extends NDArray> arrays) {
        if (arrays.isEmpty()) {
            throw new IllegalArgumentException("a TorchScript list needs at least one array");
        }
        IValue list = IValue.listFrom(arrays.stream().map(PtNDArray.class::cast).toArray(PtNDArray[]::new));
        return new TorchValue(list, arrays.get(0).getManager());
    }

    IValue value() {
        return value;
    }

    NDManager home() {
        return home;
    }

    @Override
    public void close() {
        value.close();
    }
}

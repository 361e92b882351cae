package io.bardstream.kernel;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import java.util.List;
import java.util.function.Supplier;

/**
 * Automatic differentiation for the small part of an objective that is not written out by hand, and the oracle of the
 * tests. Keep the differentiated arithmetic inside TorchScript: a Java number as an operand of an {@code NDArray}
 * corrupts gradients (DJL frees it while the graph still points to it).
 */
public final class Autograd {
    private Autograd() {}

    /**
     * A scalar and its gradients, in the order of the arrays asked for. Both belong to the manager of the first of
     * these.
     */
    public record Result(double loss, NDList gradients) {}

    /**
     * Differentiates a scalar.
     *
     * @param loss computes a float32 scalar from {@code inputs}; run once, on this thread, with gradient mode on
     * @param inputs leaves whose gradients are wanted; they are left as they were
     */
    public static Result differentiate(Supplier<NDArray> loss, List<? extends NDArray> inputs) {
        TorchThread.prepare();
        inputs.forEach(input -> input.setRequiresGradient(true));
        JniUtils.setGradMode(true);
        try (NDArray scalar = loss.get();
                NDManager scope = inputs.get(0).getManager().newSubManager();
                NDArray one = scope.create(1f)) {
            JniUtils.backward((PtNDArray) scalar, (PtNDArray) one, false, false);
            NDList gradients = new NDList();
            for (NDArray input : inputs) {
                try (NDArray gradient = input.getGradient()) {
                    gradients.add(gradient.duplicate());
                }
            }
            return new Result(scalar.getFloat(), gradients);
        } finally {
            JniUtils.setGradMode(false);
            inputs.forEach(input -> input.setRequiresGradient(false));
        }
    }
}

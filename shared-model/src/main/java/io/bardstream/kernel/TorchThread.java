package io.bardstream.kernel;

import ai.djl.pytorch.jni.JniUtils;

/**
 * Two settings of libtorch that are per thread, and wrong by default in every thread but one: gradient mode must be off
 * outside {@link Autograd}, and the graph optimizer must be off everywhere, because it breaks bfloat16 and drops
 * in-place updates.
 */
final class TorchThread {
    private static final ThreadLocal<Boolean> PREPARED = ThreadLocal.withInitial(() -> {
        JniUtils.setGraphExecutorOptimize(false);
        JniUtils.setGradMode(false);
        return true;
    });

    private TorchThread() {}

    static void prepare() {
        PREPARED.get();
    }
}

package io.bardstream.kernel;

import com.sun.jna.Function;

/**
 * Settings of the process that libtorch cannot make for itself, each worth more than any kernel (docs/experiments.md).
 * They apply from the first {@link Compute} on. Where the C library is not glibc nothing happens: slower, not wrong.
 */
final class NativeProcess {
    // malloc.h
    private static final int TRIM_THRESHOLD = -1;
    private static final int TOP_PAD = -2;
    private static final int MMAP_MAX = -4;

    private NativeProcess() {}

    /**
     * Keeps memory that libtorch frees. By default glibc gives every large block back to the kernel at once and gets it
     * anew, zeroed page by page, for the next operator: a fifth of a small model's training step. The price is that the
     * process stays as large as it once was.
     */
    static void keepFreedMemory() {
        try {
            Function mallopt = Function.getFunction("c", "mallopt");
            mallopt.invokeInt(new Object[] {MMAP_MAX, 0});
            mallopt.invokeInt(new Object[] {TRIM_THRESHOLD, Integer.MAX_VALUE});
            mallopt.invokeInt(new Object[] {TOP_PAD, 64 << 20});
        } catch (UnsatisfiedLinkError e) {
            return; // another C library
        }
    }

    /**
     * Lets OpenMP's threads spin for a fraction of a millisecond when they wait for each other, then sleep, unless the
     * environment sets {@code GOMP_SPINCOUNT}. That bridges the gap between two operators: sleeping at once makes a small
     * model's step 2.4 times as long. By default they spin for milliseconds, and when another process has their processor,
     * against it: up to 30 times as long. Must run before libtorch is loaded; it outweighs {@code OMP_WAIT_POLICY}.
     */
    static void shareProcessors() {
        environment("GOMP_SPINCOUNT", "20000");
    }

    /**
     * Lets CUDA's float32 matrix products run on tensor cores in TF32, of 10 bits, unless the environment sets {@code
     * TORCH_ALLOW_TF32_CUBLAS_OVERRIDE}. Must run before libtorch is loaded. Not run on CUDA.
     */
    static void allowTensorFloat32() {
        environment("TORCH_ALLOW_TF32_CUBLAS_OVERRIDE", "1");
    }

    /** Sets a variable for native libraries, unless it is set. */
    private static void environment(String name, String value) {
        try {
            Function setenv = Function.getFunction("c", "setenv");
            setenv.invokeInt(new Object[] {name, value, 0});
        } catch (UnsatisfiedLinkError e) {
            return; // another C library
        }
    }
}

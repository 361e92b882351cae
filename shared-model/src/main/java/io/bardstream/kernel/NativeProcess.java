package io.bardstream.kernel;

import com.sun.jna.Function;

/**
 * Two settings of the process that libtorch cannot make for itself, each worth more than any kernel (docs/experiments.md).
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
     * Lets OpenMP's threads sleep while they wait for each other, unless the environment says otherwise. By default they
     * spin for milliseconds; when another process has their processor they spin against it, and a step takes ten times as
     * long. Must run before libtorch is loaded.
     */
    static void shareProcessors() {
        try {
            Function setenv = Function.getFunction("c", "setenv");
            setenv.invokeInt(new Object[] {"GOMP_SPINCOUNT", "1000", 0}); // a few microseconds
        } catch (UnsatisfiedLinkError e) {
            return; // another C library
        }
    }
}

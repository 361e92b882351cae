package io.bardstream.kernel;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * How many operations a second this machine reaches in plain products of large square matrices, in the precision and with
 * the threads of training: what model FLOP utilisation is a fraction of.
 */
public final class MatmulPeak {
    private static final int[] SIZES = {1_024, 2_048, 4_096, 8_192};
    private static final int TRIES = 8;
    private static final double QUICKLY = 0.2; // seconds
    private static final Map<String, Double> KNOWN = new ConcurrentHashMap<>();

    private MatmulPeak() {}

    /** What this process once found within a fifth of a second, for a device, precision and number of threads. */
    public static double quickly(Compute compute) {
        return KNOWN.computeIfAbsent(compute.describe(), settings -> measure(compute, QUICKLY));
    }

    /** Floating-point operations a second, of the fastest product tried; larger ones are tried until the time is over. */
    public static double measure(Compute compute, double seconds) {
        long begun = System.nanoTime();
        TorchCall matmul = compute.kernels(Kernels.TRUNK).call("matmul");
        double best = 0;
        for (int size : SIZES) {
            try (NDManager scope = compute.scope()) {
                NDArray deviates = scope.zeros(new Shape(size, size));
                compute.kernels().normal(deviates, 1, size);
                NDArray a = compute.kernels().cast(deviates, compute.precision());
                for (int i = 0; i < TRIES; i++) {
                    if (best > 0 && System.nanoTime() - begun > seconds * 1e9) {
                        return best;
                    }
                    long start = System.nanoTime();
                    try (NDArray product = matmul.tensor(a, a);
                            NDArray corner = compute.kernels().cast(product.get(0), Precision.FLOAT32)) {
                        corner.toFloatArray(); // waits for the device
                    }
                    best = Math.max(best, 2.0 * size * size * size / ((System.nanoTime() - start) / 1e9));
                }
            }
        }
        return best;
    }
}

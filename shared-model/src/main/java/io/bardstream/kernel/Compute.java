package io.bardstream.kernel;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.jni.JniUtils;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Where and how tensors are computed: the one place that chooses device, stream, number format, threads and kernels. The
 * first CUDA device is used when libtorch for CUDA is configured and answers, the CPU otherwise; the environment variable
 * {@code BARDSTREAM_DEVICE} asks for one of them: {@code cpu}, or {@code cuda}, without which nothing is computed.
 *
 * <p>All work goes to the device's current stream, in order. On CUDA float32 products are TF32's, attention is flash attention,
 * and batches go by pinned memory; none of that has been run on CUDA.
 *
 * <p>Closing it frees every array made by its {@link #manager()} and the managers under it.
 */
public final class Compute implements AutoCloseable {
    private static final String ASKED = "BARDSTREAM_DEVICE";

    /** Models of more parameters keep all threads of an operator busy. */
    private static final long SMALL = 4_000_000;

    /** One for the process: each thread that computes keeps the memory that it has freed. */
    private static final ExecutorService SECOND = Executors.newSingleThreadExecutor(work -> {
        Thread thread = new Thread(work, "second-computation");
        thread.setDaemon(true);
        return thread;
    });

    private final Device device;
    private final Precision precision;
    private final NDManager manager;
    private final Map<String, TorchKernels> loaded = new ConcurrentHashMap<>();
    private final Kernels kernels;
    private final boolean twoAtOnce;

    private Compute(Device device, Precision precision, boolean twoAtOnce) {
        this.device = device;
        this.twoAtOnce = twoAtOnce;
        this.precision = precision;
        this.manager = NDManager.newBaseManager(device, "PyTorch");
        this.kernels = new Kernels(kernels(Kernels.TRUNK), precision);
    }

    /** Opens the best device with all its processors. */
    public static Compute open(Precision precision) {
        return open(precision, Runtime.getRuntime().availableProcessors());
    }

    /**
     * Opens the best device.
     *
     * @param threads threads of one operator on the CPU, a setting of the whole process; results are bitwise
     *     repeatable at equal counts
     */
    public static Compute open(Precision precision, int threads) {
        if (threads < 1) {
            throw new IllegalArgumentException("threads is " + threads + "; at least one is needed");
        }
        Device device = best(); // which loads the engine
        JniUtils.setNumThreads(threads);
        return new Compute(device, precision, false);
    }

    /**
     * Opens the best device for work on several models, of which {@link #both} may do two things at once: each with half of the
     * threads, where models are so small that an operator's threads would mostly wait for each other.
     *
     * @param parameters of one model
     */
    public static Compute openForSeveral(Precision precision, int threads, long parameters) {
        if (!doesTwoAtOnce(threads, parameters) || gpuPresent()) {
            return open(precision, threads);
        }
        Device device = best();
        int each = threads / 2;
        JniUtils.setNumThreads(each);
        CompletableFuture.runAsync(() -> JniUtils.setNumThreads(each), SECOND)
                .join(); // OpenMP has a number for each thread
        return new Compute(device, precision, true);
    }

    /** Whether {@link #both} does two things at once, on the CPU. */
    public static boolean doesTwoAtOnce(int threads, long parameters) {
        return threads > 1 && parameters <= SMALL;
    }

    /** Does two things that have no array in common, at once or one after the other; bits are the same either way at equal {@link #threads}. */
    public void both(Runnable one, Runnable other) {
        if (!twoAtOnce) {
            one.run();
            other.run();
            return;
        }
        CompletableFuture<Void> running = CompletableFuture.runAsync(other, SECOND);
        try {
            one.run();
        } finally {
            running.handle((nothing, failure) -> failure).join(); // its arrays may be freed once it has ended
        }
        try {
            running.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw e;
        }
    }

    /** Opens the best device beside what the process computes already, whose number of threads stays as it is. */
    public static Compute beside(Precision precision) {
        return new Compute(best(), precision, false);
    }

    private static Device best() {
        return gpuPresent() ? Device.gpu(0) : Device.cpu();
    }

    /**
     * Whether computing happens on a GPU: libtorch for CUDA is configured and answers, and the CPU is not asked for.
     *
     * @throws IllegalStateException if a GPU is asked for that does not answer
     */
    public static boolean gpuPresent() {
        return useGpu(System.getenv().getOrDefault(ASKED, "auto"), engine().getGpuCount());
    }

    static boolean useGpu(String asked, int gpus) {
        switch (asked) {
            case "auto", "" -> {
                return gpus > 0;
            }
            case "cpu" -> {
                return false;
            }
            case "cuda" -> {
                if (gpus == 0) {
                    throw new IllegalStateException(
                            ASKED + " is cuda, but libtorch sees no CUDA device: it needs a driver"
                                    + " and, in PYTORCH_LIBRARY_PATH, a libtorch built for CUDA; bardstream doctor tells more");
                }
                return true;
            }
            default -> throw new IllegalStateException(ASKED + " is '" + asked + "'; auto, cpu and cuda are known");
        }
    }

    /** Where computing happens in this process, in words. */
    public static String deviceFound() {
        return (gpuPresent() ? "the first CUDA device" : "the CPU") + ", libtorch " + engine().getVersion();
    }

    /**
     * DJL looks for its engine by the thread's class loader when it is first asked; in a packaged Quarkus application that one does not see the libraries which,
     * having native code, are loaded beside it.
     */
    private static Engine engine() {
        if (System.getProperty("ai.djl.offline") == null) {
            System.setProperty("ai.djl.offline", "true"); // a missing native library fails at once, never downloads
        }
        NativeProcess.keepFreedMemory();
        NativeProcess.shareProcessors();
        NativeProcess.allowTensorFloat32();
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        thread.setContextClassLoader(Engine.class.getClassLoader());
        try {
            return Engine.getEngine("PyTorch");
        } finally {
            thread.setContextClassLoader(before);
        }
    }

    /** bfloat16 where the GPU, or else the processor, has it in hardware; float32 otherwise. */
    public static Precision preferredPrecision() {
        if (gpuPresent()) {
            return Precision.BFLOAT16;
        }
        try {
            String cpu = Files.readString(Path.of("/proc/cpuinfo"));
            boolean bfloat16 = cpu.contains("avx512_bf16") || cpu.contains("amx_bf16") || cpu.contains(" bf16");
            return bfloat16 ? Precision.BFLOAT16 : Precision.FLOAT32;
        } catch (IOException e) {
            return Precision.FLOAT32; // not Linux
        }
    }

    public Device device() {
        return device;
    }

    public Precision precision() {
        return precision;
    }

    public boolean cuda() {
        return device.isGpu();
    }

    /** Threads of one operator on the CPU. */
    public int threads() {
        return JniUtils.getNumThreads();
    }

    /** The manager of what lives as long as this does, such as parameters. */
    public NDManager manager() {
        return manager;
    }

    /** A manager for what lives for one step or one request; close it to free all of that at once. */
    public NDManager scope() {
        return manager.newSubManager();
    }

    /** Numbers of a batch on the device, owned by {@code scope}. To a GPU they go by pinned memory: it need not wait for them. */
    public NDArray upload(NDManager scope, long[] numbers, Shape shape) {
        if (!cuda()) {
            return scope.create(numbers, shape);
        }
        try (NDArray host = scope.newSubManager(Device.cpu()).create(numbers, shape)) {
            NDArray there = kernels.upload(host);
            there.attach(scope);
            return there;
        }
    }

    /** The kernels of the trunk in this precision. */
    public Kernels kernels() {
        return kernels;
    }

    /** The kernels of a TorchScript resource, compiled at their first use and shared from then on. */
    public TorchKernels kernels(String resource) {
        return loaded.computeIfAbsent(resource, name -> TorchKernels.load(manager, name));
    }

    /** Device, precision, threads and library, as they are written into a checkpoint's lineage. */
    public String describe() {
        String where = cuda() ? "cuda:" + device.getDeviceId() : "cpu, " + threads() + " threads";
        return where + ", " + precision.dtype() + ", libtorch " + engine().getVersion();
    }

    @Override
    public void close() {
        loaded.values().forEach(TorchKernels::close);
        manager.close();
    }
}

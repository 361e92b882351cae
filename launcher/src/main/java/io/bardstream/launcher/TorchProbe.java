package io.bardstream.launcher;

import java.lang.reflect.InvocationTargetException;

/**
 * The main class of a short JVM on a service's libraries: it loads libtorch, which unpacks it where that has not happened, and prints the number of GPUs. By
 * reflection, for the launcher itself has no DJL.
 */
public final class TorchProbe {
    static final String GPUS = "gpus=";

    private TorchProbe() {}

    /** Loads the engine and prints one line. */
    public static void main(String[] arguments) throws ReflectiveOperationException {
        try {
            Class<?> type = Class.forName("ai.djl.engine.Engine");
            Object engine = type.getMethod("getEngine", String.class).invoke(null, "PyTorch");
            System.out.println(GPUS + type.getMethod("getGpuCount").invoke(engine));
        } catch (InvocationTargetException e) {
            System.err.println(e.getCause());
            System.exit(1);
        }
    }
}

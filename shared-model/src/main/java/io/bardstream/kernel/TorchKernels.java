package io.bardstream.kernel;

import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.JniUtils;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;

/**
 * A file of TorchScript kernels, compiled and loaded: the seam between Java and libtorch's operators that DJL's NDArray
 * lacks (attention, fused AdamW, bfloat16). Each kernel is a method of the file, called through {@link #call}.
 *
 * <p>This package is the only one that knows DJL's JNI. {@code PyTorchLibrary.moduleRunMethod} is package-private, and
 * a class of our own in that package would live in another class loader under Quarkus, so it is reached through method
 * handles.
 */
public final class TorchKernels implements AutoCloseable {
    private static final MethodHandle RUN_METHOD = runMethod();
    private static final MethodHandle IVALUE = ivalueConstructor();

    private final PtSymbolBlock module;
    private final long handle;
    private final IValue none;

    private TorchKernels(PtSymbolBlock module) {
        this.module = module;
        this.handle = (long) module.getHandle();
        this.none = invoke("none_");
    }

    /**
     * Compiles a TorchScript resource (UTF-8, methods indented by two spaces).
     *
     * @param resource absolute class path, such as {@code /io/bardstream/kernel/gpt.py}
     * @throws IllegalArgumentException with libtorch's message, if the source does not compile
     */
    static TorchKernels load(NDManager manager, String resource) {
        try (InputStream in = TorchKernels.class.getResourceAsStream(resource)) {
            if (in == null) {
                throw new IllegalArgumentException("no resource " + resource + " on the class path");
            }
            return compile(manager, resource, new String(in.readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static TorchKernels compile(NDManager manager, String name, String source) {
        TorchThread.prepare();
        try (InputStream archive = new ByteArrayInputStream(TorchScriptArchive.of(source))) {
            return new TorchKernels(JniUtils.loadModule((PtNDManager) manager, archive, false, false));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (RuntimeException e) {
            throw new IllegalArgumentException(name + " does not compile: " + e.getMessage(), e);
        }
    }

    /** The method of that name. Its existence is checked when it is called. */
    public TorchCall call(String method) {
        return new TorchCall(this, method);
    }

    IValue none() {
        return none;
    }

    IValue invoke(String method, IValue... arguments) {
        long[] handles = new long[arguments.length];
        for (int i = 0; i < handles.length; i++) {
            handles[i] = arguments[i].getHandle();
        }
        try {
            return (IValue) IVALUE.invokeExact((long) RUN_METHOD.invokeExact(handle, method, handles, true, false));
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("calling kernel " + method + " failed", e);
        }
    }

    @Override
    public void close() {
        none.close();
        module.close();
    }

    private static MethodHandle runMethod() {
        try {
            Class<?> library = Class.forName("ai.djl.pytorch.jni.PyTorchLibrary");
            Field instance = library.getDeclaredField("LIB");
            instance.setAccessible(true);
            Method method = library.getDeclaredMethod(
                    "moduleRunMethod", long.class, String.class, long[].class, boolean.class, boolean.class);
            method.setAccessible(true);
            return MethodHandles.lookup().unreflect(method).bindTo(instance.get(null));
        } catch (ReflectiveOperationException e) {
            throw unsupported(e);
        }
    }

    private static MethodHandle ivalueConstructor() {
        try {
            Constructor<IValue> constructor = IValue.class.getDeclaredConstructor(long.class);
            constructor.setAccessible(true);
            return MethodHandles.lookup().unreflectConstructor(constructor);
        } catch (ReflectiveOperationException e) {
            throw unsupported(e);
        }
    }

    private static IllegalStateException unsupported(ReflectiveOperationException cause) {
        return new IllegalStateException(
                "this DJL has no PyTorchLibrary.moduleRunMethod or IValue(long); the kernels are written for pytorch-engine 0.35.1",
                cause);
    }
}

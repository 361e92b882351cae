package io.bardstream.kernel;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.jni.IValue;
import java.util.List;

/**
 * One method of a TorchScript module, callable from Java. An argument is an {@link NDArray}, a list of them, a {@link
 * TorchValue}, an integer, a floating-point number, a boolean, or {@code null} for {@code None}. A resulting tensor
 * belongs to the manager of the first array among the arguments, as with {@code NDArray}'s own operations: what is
 * computed from a step's arrays dies with the step.
 *
 * <p>Gradient mode and the graph optimizer are off on the calling thread. Calls may run on several threads at once. One
 * call costs 4–5 µs.
 */
public final class TorchCall {
    private final TorchKernels kernels;
    private final String method;

    TorchCall(TorchKernels kernels, String method) {
        this.kernels = kernels;
        this.method = method;
    }

    /** Calls a method that returns one tensor. */
    public NDArray tensor(Object... arguments) {
        NDManager home = homeOf(arguments);
        try (IValue result = invoke(arguments)) {
            return result.toTensor((PtNDManager) home);
        }
    }

    /** Calls a method that returns a tuple or a list of tensors. */
    public NDList tensors(Object... arguments) {
        NDManager home = homeOf(arguments);
        try (IValue result = invoke(arguments)) {
            return result.toNDList((PtNDManager) home);
        }
    }

    /** Calls a method whose result stays inside TorchScript. */
    public TorchValue value(Object... arguments) {
        return new TorchValue(invoke(arguments), homeOf(arguments));
    }

    /** Calls a method for its effect. */
    public void run(Object... arguments) {
        invoke(arguments).close();
    }

    /** Calls a method that returns a float. */
    public double number(Object... arguments) {
        try (IValue result = invoke(arguments)) {
            return result.toDouble();
        }
    }

    private IValue invoke(Object[] arguments) {
        TorchThread.prepare();
        IValue[] values = new IValue[arguments.length];
        try {
            for (int i = 0; i < values.length; i++) {
                values[i] = valueOf(arguments[i]);
            }
            KernelProfile profile = KernelProfile.active();
            if (profile == null) {
                return kernels.invoke(method, values);
            }
            long start = System.nanoTime();
            IValue result = kernels.invoke(method, values);
            profile.add(method, System.nanoTime() - start);
            return result;
        } finally {
            for (int i = 0; i < values.length; i++) {
                if (values[i] != null && arguments[i] != null && !(arguments[i] instanceof TorchValue)) {
                    values[i].close();
                }
            }
        }
    }

    private IValue valueOf(Object argument) {
        if (argument == null) {
            return kernels.none();
        } else if (argument instanceof PtNDArray array) {
            return IValue.from(array);
        } else if (argument instanceof TorchValue value) {
            return value.value();
        } else if (argument instanceof Integer || argument instanceof Long) {
            return IValue.from(((Number) argument).longValue());
        } else if (argument instanceof Double || argument instanceof Float) {
            return IValue.from(((Number) argument).doubleValue());
        } else if (argument instanceof Boolean flag) {
            return IValue.from(flag);
        } else if (argument instanceof List<?> list) {
            return IValue.listFrom(list.stream().map(PtNDArray.class::cast).toArray(PtNDArray[]::new));
        }
        throw new IllegalArgumentException(
                method + " was given a " + argument.getClass().getName()
                        + "; an argument is an NDArray, a list of them, a TorchValue, a number, a boolean or null");
    }

    private NDManager homeOf(Object[] arguments) {
        for (Object argument : arguments) {
            if (argument instanceof NDArray array) {
                return array.getManager();
            } else if (argument instanceof TorchValue value) {
                return value.home();
            } else if (argument instanceof List<?> list && !list.isEmpty()) {
                return ((NDArray) list.get(0)).getManager();
            }
        }
        throw new IllegalArgumentException(method + " was given no array, so its result belongs nowhere");
    }
}

package io.bardstream.checkpoint;

import java.util.Arrays;
import java.util.List;

/**
 * One tensor's name, element type and shape, as a safetensors header states them. Valid by construction: no dimension is
 * negative, and the count of elements and of bytes fits a {@code long}.
 */
public record TensorInfo(String name, TensorType type, List<Long> shape) {

    public TensorInfo {
        shape = List.copyOf(shape);
        for (long dimension : shape) {
            if (dimension < 0) {
                throw new IllegalArgumentException(
                        "tensor '%s' has shape %s: a dimension is not negative".formatted(name, shape));
            }
        }
        try {
            Math.multiplyExact(product(shape), type.bytes());
        } catch (ArithmeticException e) {
            throw new IllegalArgumentException(
                    "tensor '%s' has shape %s: its size in bytes does not fit 63 bits".formatted(name, shape), e);
        }
    }

    /** The same with the dimensions spelled out. */
    public static TensorInfo of(String name, TensorType type, long... shape) {
        return new TensorInfo(name, type, Arrays.stream(shape).boxed().toList());
    }

    /** How many elements the tensor has; 1 for a scalar, whose shape is empty. */
    public long elements() {
        return product(shape);
    }

    /** How many bytes the tensor takes in the file. */
    public long bytes() {
        return elements() * type.bytes();
    }

    /** The shape as an array of the caller's own, as tensor libraries want it. */
    public long[] dimensions() {
        return shape.stream().mapToLong(Long::longValue).toArray();
    }

    /** A zero anywhere makes the product zero, however large the other dimensions are. */
    private static long product(List<Long> shape) {
        if (shape.contains(0L)) {
            return 0;
        }
        long product = 1;
        for (long dimension : shape) {
            product = Math.multiplyExact(product, dimension);
        }
        return product;
    }
}

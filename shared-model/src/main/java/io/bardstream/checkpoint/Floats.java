package io.bardstream.checkpoint;

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;

/** The floating-point types of a file as Java floats. Exact for F32, F16 and BF16; F64 is rounded to the nearest float. */
final class Floats {

    private Floats() {}

    /** Whether elements of this type can be read as floats. */
    static boolean readable(TensorType type) {
        return switch (type) {
            case F64, F32, F16, BF16 -> true;
            default -> false;
        };
    }

    /** Moves {@code count} elements from little-endian bytes into the destination. */
    static void decode(TensorInfo info, ByteBuffer bytes, FloatBuffer destination, int count) {
        switch (info.type()) {
            case F32 -> destination.put(bytes.asFloatBuffer().limit(count));
            case F64 -> {
                for (int i = 0; i < count; i++) {
                    destination.put((float) bytes.getDouble());
                }
            }
            case BF16 -> {
                for (int i = 0; i < count; i++) {
                    destination.put(Float.intBitsToFloat(bytes.getShort() << 16));
                }
            }
            case F16 -> {
                for (int i = 0; i < count; i++) {
                    destination.put(half(bytes.getShort()));
                }
            }
            default ->
                throw new IllegalArgumentException("tensor '%s' is %s, expected is one of F32, F16, BF16, F64"
                        .formatted(info.name(), info.type()));
        }
    }

    /** IEEE 754 binary16: 1 sign bit, 5 exponent bits biased by 15, 10 fraction bits. */
    static float half(short bits) {
        int sign = (bits & 0x8000) << 16;
        int exponent = (bits >>> 10) & 0x1f;
        int fraction = bits & 0x3ff;
        if (exponent == 0) {
            float magnitude = fraction * 0x1p-24f;
            return sign == 0 ? magnitude : -magnitude;
        }
        int exponent32 = exponent == 0x1f ? 0xff : exponent - 15 + 127;
        return Float.intBitsToFloat(sign | exponent32 << 23 | fraction << 13);
    }
}

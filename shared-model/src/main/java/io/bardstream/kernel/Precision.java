package io.bardstream.kernel;

/**
 * The number format of matrix products and of the activations between them; parameters, norms and losses are always
 * kept in float32.
 */
public enum Precision {
    /** 32-bit floats throughout. */
    FLOAT32(4),
    /** bfloat16 products on float32 master weights, as PyTorch's autocast does. */
    BFLOAT16(2);

    private final int bytes;

    Precision(int bytes) {
        this.bytes = bytes;
    }

    /** Bytes of one number. */
    public int bytes() {
        return bytes;
    }

    /** Reads the names of the hyperparameter {@code dtype}: {@code float32} or {@code bfloat16}. */
    public static Precision parse(String dtype) {
        return switch (dtype) {
            case "float32" -> FLOAT32;
            case "bfloat16" -> BFLOAT16;
            default -> throw new IllegalArgumentException("dtype is '" + dtype + "'; use float32 or bfloat16");
        };
    }

    /** The name {@link #parse} reads. */
    public String dtype() {
        return this == FLOAT32 ? "float32" : "bfloat16";
    }
}

package io.bardstream.gpt;

import ai.djl.ndarray.NDArray;

/** One tensor of the model. All three arrays are views of flat buffers that {@link Parameters} owns. */
public final class Parameter {
    private final String name;
    private final NDArray master;
    private final NDArray weight;
    private NDArray gradient;

    Parameter(String name, NDArray master, NDArray weight) {
        this.name = name;
        this.master = master;
        this.weight = weight;
    }

    /** Hugging Face's name, such as {@code transformer.h.0.attn.c_attn.weight}. */
    public String name() {
        return name;
    }

    /** The float32 value that the optimizer updates. */
    public NDArray master() {
        return master;
    }

    /** The value in compute precision that matrix products read; the master itself in float32. */
    public NDArray weight() {
        return weight;
    }

    /** Where the gradient is summed. */
    public NDArray gradient() {
        if (gradient == null) {
            throw new IllegalStateException(name + " has no gradient buffer; Parameters.train() makes them");
        }
        return gradient;
    }

    /** Whether it has a gradient buffer: it is its model's own, and in training. */
    public boolean learns() {
        return gradient != null;
    }

    void gradient(NDArray buffer) {
        gradient = buffer;
    }
}

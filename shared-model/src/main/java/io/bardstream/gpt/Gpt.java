package io.bardstream.gpt;

import ai.djl.ndarray.NDArray;
import io.bardstream.kernel.Compute;
import java.nio.file.Path;
import java.util.Map;

/**
 * GPT-2's decoder: parameters and trunk. The trunk is two functions, {@link #forward} from tokens to hidden states and {@link #backward}
 * from the loss's gradient at the hidden states to gradients of every parameter; an objective is what lies between them.
 */
public final class Gpt implements AutoCloseable {
    private Gpt() {}

    /** Weights drawn as GPT-2 draws them, from a generator of {@code seed}. */
    public static Gpt initialise(GptConfig config, Compute compute, long seed) {
        throw new UnsupportedOperationException("Gpt.initialise");
    }

    /** Weights of a Hugging Face GPT-2 folder ({@code config.json}, {@code model.safetensors}). */
    public static Gpt load(Path checkpointFolder, Compute compute) {
        throw new UnsupportedOperationException("Gpt.load");
    }

    public GptConfig config() {
        throw new UnsupportedOperationException("Gpt.config");
    }

    public Compute compute() {
        throw new UnsupportedOperationException("Gpt.compute");
    }

    /** Float32 masters by Hugging Face's names ({@code transformer.h.0.attn.c_attn.weight}), Conv1D weights as {@code [in, out]}. */
    public Map<String, NDArray> parameters() {
        throw new UnsupportedOperationException("Gpt.parameters");
    }

    /** Hidden states after the last norm, (B·T, C) in compute precision, of {@code tokens} (B, T) int64. */
    public NDArray forward(NDArray tokens, ForwardPass pass) {
        throw new UnsupportedOperationException("Gpt.forward");
    }

    /** Adds to the gradient buffers what {@code dHidden} (B·T, C) implies, consuming what the forward pass saved. */
    public void backward(NDArray dHidden, ForwardPass pass) {
        throw new UnsupportedOperationException("Gpt.backward");
    }

    /** Float32 logits (N, V) of hidden states (N, C), by the tied head. */
    public NDArray logits(NDArray hidden) {
        throw new UnsupportedOperationException("Gpt.logits");
    }

    /** Writes {@code model.safetensors} with Hugging Face's names and orientation. */
    public void save(Path file) {
        throw new UnsupportedOperationException("Gpt.save");
    }

    @Override
    public void close() {}
}

package io.bardstream.gpt;

/** What one forward pass keeps for its backward pass; closing it frees that. */
public final class ForwardPass implements AutoCloseable {
    private ForwardPass() {}

    @Override
    public void close() {}
}

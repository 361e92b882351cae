package io.bardstream.train;

/**
 * What one optimizer step did.
 *
 * @param loss mean over the step's counted tokens, before the update, in nats a token
 * @param gradientNorm global norm of the step's mean gradient before clipping
 * @param tokens tokens the model saw
 */
public record StepResult(double loss, double gradientNorm, long tokens) {}

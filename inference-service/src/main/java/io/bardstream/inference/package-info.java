/**
 * The served policy behind OpenAI's API. HTTP threads parse, queue and pass on; one thread ({@link
 * io.bardstream.inference.DecodeLoop}) owns the tensors; another loads checkpoints beside it ({@link
 * io.bardstream.inference.Models}); a third publishes what was generated ({@link io.bardstream.inference.GenerationLog}).
 */
package io.bardstream.inference;

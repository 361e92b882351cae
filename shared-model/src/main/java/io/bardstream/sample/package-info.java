/**
 * From logits to text: which token comes next ({@link io.bardstream.sample.Sampler}), and which text may already be
 * shown ({@link io.bardstream.sample.TextStream}). Plain arithmetic on arrays; knows neither tensors nor HTTP.
 */
package io.bardstream.sample;

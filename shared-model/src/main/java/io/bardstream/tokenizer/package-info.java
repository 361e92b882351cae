/**
 * From text to token ids and back: byte-level byte-pair encoding as in GPT-2 (Radford et al. 2019, section 2.2, after
 * Sennrich et al. 2016). {@link io.bardstream.tokenizer.BpeTrainer} learns a vocabulary,
 * {@link io.bardstream.tokenizer.BpeTokenizer} applies one, its own or OpenAI's of 50,257 entries. Knows nothing of
 * Kafka or of DJL.
 */
package io.bardstream.tokenizer;

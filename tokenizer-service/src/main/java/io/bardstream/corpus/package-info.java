/**
 * The tokenizer service: corpora ({@link io.bardstream.corpus.Corpora}), vocabularies
 * ({@link io.bardstream.corpus.Vocabularies}) and datasets ({@link io.bardstream.corpus.Datasets}). Text comes in over
 * HTTP and is kept as a file; everything that goes out are records of {@code tokenizers}, {@code token-batches} and
 * {@code datasets}.
 */
package io.bardstream.corpus;

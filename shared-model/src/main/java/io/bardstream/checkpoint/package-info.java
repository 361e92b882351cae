/**
 * What a trained model is on disk: a Hugging Face model folder, written so that it is either whole or not there. Tensors
 * are read by mapping the file ({@link io.bardstream.checkpoint.SafeTensors}), written as a stream, and never loaded through
 * the tensor library: nothing here knows DJL, and nothing here knows Kafka.
 */
package io.bardstream.checkpoint;

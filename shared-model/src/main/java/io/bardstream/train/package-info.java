/** The training step: objective, accumulation, clipping, optimizers, schedule, sampling of windows, evaluation. */
package io.bardstream.train;

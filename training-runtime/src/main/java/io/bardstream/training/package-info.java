/**
 * Running a training: the facts it needs, the queue of runs, the lease that makes a run one process's own, resume, metrics,
 * checkpoints and {@code /v1/runs}. A service adds a {@link io.bardstream.training.StageTraining} for each stage it trains.
 */
package io.bardstream.training;

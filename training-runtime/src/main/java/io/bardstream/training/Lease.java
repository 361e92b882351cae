package io.bardstream.training;

/**
 * A run's being one worker's own.
 *
 * @param fence grows with every owner of the run; whoever holds an older one has lost the run and may not write any more
 */
record Lease(String run, String owner, long fence) {}

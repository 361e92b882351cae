package io.bardstream.checkpoint;

import java.nio.file.Path;

/**
 * A checkpoint folder that is complete and on the disk.
 *
 * @param path relative to the store, with forward slashes: what is announced
 * @param directory the same as an absolute path on this machine
 * @param sha256 of its contents, see {@link CheckpointStore#sha256}
 * @param bytes sum of its files' sizes
 */
public record CheckpointFolder(String path, Path directory, String sha256, long bytes) {}

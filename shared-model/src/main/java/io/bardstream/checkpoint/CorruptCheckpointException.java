package io.bardstream.checkpoint;

import java.io.IOException;

/** A checkpoint folder is not the one that was announced; it must not be loaded. */
public final class CorruptCheckpointException extends IOException {
    CorruptCheckpointException(String message) {
        super(message);
    }
}

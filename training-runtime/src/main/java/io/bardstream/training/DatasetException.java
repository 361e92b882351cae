package io.bardstream.training;

import java.io.IOException;

/** A dataset that cannot be read as its manifest says; the message names topic, partition and offset. */
public final class DatasetException extends IOException {
    private static final long serialVersionUID = 1L;

    DatasetException(String message) {
        super(message);
    }
}

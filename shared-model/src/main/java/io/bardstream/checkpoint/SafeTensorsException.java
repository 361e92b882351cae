package io.bardstream.checkpoint;

import java.io.IOException;
import java.nio.file.Path;

/** A file is not a safetensors file that can be trusted; the message names the file, what it states and what was expected. */
public final class SafeTensorsException extends IOException {

    SafeTensorsException(Path file, String what) {
        super(file + " is not a valid safetensors file: " + what);
    }

    SafeTensorsException(Path file, String what, Throwable cause) {
        super(file + " is not a valid safetensors file: " + what, cause);
    }
}

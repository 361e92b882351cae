package io.bardstream.launcher;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/** A log file that does not outgrow its bounds: when full it becomes {@code NAME.log.1}, and the one before that is gone. One writer. */
final class RotatingLog implements AutoCloseable {
    static final long DEFAULT_BYTES = 10_000_000;

    private final Path file;
    private final long maxBytes;
    private OutputStream output;
    private long size;

    RotatingLog(Path file, long maxBytes) throws IOException {
        this.file = file;
        this.maxBytes = maxBytes;
        Files.createDirectories(file.getParent());
        open();
    }

    void write(String line) throws IOException {
        byte[] bytes = (line + "\n").getBytes(StandardCharsets.UTF_8);
        if (size > 0 && size + bytes.length > maxBytes) {
            output.close();
            Files.move(file, file.resolveSibling(file.getFileName() + ".1"), StandardCopyOption.REPLACE_EXISTING);
            open();
        }
        output.write(bytes);
        size += bytes.length;
    }

    private void open() throws IOException {
        output = Files.newOutputStream(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        size = Files.size(file);
    }

    @Override
    public void close() throws IOException {
        output.close();
    }
}

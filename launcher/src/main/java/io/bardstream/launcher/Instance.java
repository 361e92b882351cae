package io.bardstream.launcher;

import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import java.util.Optional;

/**
 * A running {@code bardstream up} as it describes itself in its home, for the other commands and for the next start.
 *
 * @param pid of the launcher
 * @param ready whether all services have been ready
 * @param children pids of broker, database and services, by name
 */
record Instance(
        long pid,
        int portBase,
        String preset,
        boolean manual,
        String startedAt,
        boolean ready,
        Map<String, Long> children) {
    private static final JsonMapper JSON = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .build();

    Ports ports() {
        return new Ports(portBase);
    }

    /** Replaces the file in one step. */
    void write(Path file) throws IOException {
        Path fresh = file.resolveSibling(file.getFileName() + ".new");
        JSON.writerWithDefaultPrettyPrinter().writeValue(fresh.toFile(), this);
        Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    static Optional<Instance> read(Path file) {
        try {
            return Optional.of(JSON.readValue(Files.readAllBytes(file), Instance.class));
        } catch (NoSuchFileException none) {
            return Optional.empty();
        } catch (IOException e) {
            throw new CommandFailure(
                    file + " cannot be read (" + e.getMessage() + "). Delete it if no instance runs.", e);
        }
    }
}

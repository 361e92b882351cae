package io.bardstream.launcher;

import com.fasterxml.jackson.databind.JsonNode;
import io.bardstream.checkpoint.CheckpointStore;
import io.bardstream.checkpoint.CorruptCheckpointException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Copies a checkpoint out of the store as a Hugging Face model folder, after checking it against the sha256 it was announced with. */
@Command(
        name = "export",
        description = "Copies a checkpoint into a folder that transformers, vLLM and others load.",
        mixinStandardHelpOptions = true)
final class Export implements Callable<Integer> {
    private static final String SERVED = "bardstream";
    private static final String OPTIMIZER = "optimizer.safetensors";

    @Mixin
    private Where where;

    @Parameters(
            index = "0",
            paramLabel = "CHECKPOINT",
            description = "A checkpoint's id, or bardstream for the one that is served.")
    private String checkpoint;

    @Parameters(index = "1", paramLabel = "DIR", description = "A new or empty folder.")
    private Path target;

    private final Console console = Console.standard();

    @Override
    public Integer call() {
        try {
            requireEmpty();
            JsonNode found = where.api(Service.TRAINER)
                    .get("/v1/checkpoints/" + (checkpoint.equals(SERVED) ? served() : checkpoint));
            Path source = new CheckpointStore(where.home().checkpoints())
                    .verify(found.path("path").asText(), found.path("sha256").asText());
            Files.createDirectories(target);
            for (Path file : files(source)) {
                Files.copy(file, target.resolve(file.getFileName().toString()));
            }
            console.line(found.path("id").asText() + " is in "
                    + target.toAbsolutePath().normalize());
            return 0;
        } catch (CorruptCheckpointException e) {
            throw new CommandFailure("The checkpoint is damaged: " + e.getMessage(), e);
        } catch (IOException e) {
            throw new CommandFailure("The checkpoint could not be copied to " + target + " (" + e + ").", e);
        }
    }

    private void requireEmpty() throws IOException {
        if (Files.exists(target) && !Files.isDirectory(target)) {
            throw new CommandFailure(target + " is a file. Name a new or empty folder.");
        }
        if (Files.isDirectory(target) && !files(target).isEmpty()) {
            throw new CommandFailure(target + " is not empty. Name a new or empty folder.");
        }
    }

    /** The answers of a model name the checkpoint they come from. */
    private String served() {
        return where.api(Service.INFERENCE)
                .post(
                        "/v1/completions",
                        Api.object().put("model", SERVED).put("prompt", "\n").put("max_tokens", 1))
                .path("system_fingerprint")
                .asText();
    }

    /** All but the optimizer's state, which only resuming needs. */
    private static List<Path> files(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> !file.getFileName().toString().equals(OPTIMIZER))
                    .toList();
        }
    }
}

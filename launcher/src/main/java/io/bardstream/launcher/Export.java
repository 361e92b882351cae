package io.bardstream.launcher;

import com.fasterxml.jackson.databind.JsonNode;
import io.bardstream.checkpoint.CheckpointStore;
import io.bardstream.checkpoint.CorruptCheckpointException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * Copies a checkpoint out of the store as a Hugging Face model folder, after checking it against the sha256 it was announced
 * with; or a dataset's tokens, see {@link TokenExport}.
 */
@Command(
        name = "export",
        description = "Copies a checkpoint into a folder that transformers, vLLM and others load,"
                + " or a dataset's tokens into files that nanoGPT and llm.c train on.",
        mixinStandardHelpOptions = true)
final class Export implements Callable<Integer> {
    private static final String SERVED = "bardstream";
    private static final String OPTIMIZER = "optimizer.safetensors";

    @Mixin
    private Where where;

    @Parameters(
            index = "0",
            paramLabel = "CHECKPOINT|DATASET",
            description = "A checkpoint's id, bardstream for the one that is served, or a dataset's id.")
    private String id;

    @Parameters(index = "1", paramLabel = "DIR", description = "A new or empty folder.")
    private Path target;

    @Option(
            names = "--format",
            paramLabel = "F",
            description = "Of a dataset's tokens: ${COMPLETION-CANDIDATES}; nanogpt by default.")
    private TokenExport.Format format;

    private final Console console = Console.standard();

    @Override
    public Integer call() {
        try {
            requireEmpty();
            Optional<JsonNode> dataset = dataset();
            if (dataset.isPresent()) {
                exportTokens(dataset.get());
                return 0;
            }
            JsonNode found = where.api(Service.TRAINER).get("/v1/checkpoints/" + (id.equals(SERVED) ? served() : id));
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
            throw new CommandFailure("Nothing complete could be copied to " + target + " (" + e + ").", e);
        }
    }

    /** The dataset of that id, where it is one; with a format it must be. */
    private Optional<JsonNode> dataset() {
        try {
            return Optional.of(where.api(Service.TOKENIZER).get("/v1/datasets/" + id));
        } catch (Api.Refusal refusal) {
            if (refusal.status() != 404 || format != null) {
                throw refusal;
            }
            return Optional.empty();
        }
    }

    private void exportTokens(JsonNode dataset) throws IOException {
        Files.createDirectories(target);
        new TokenExport(where.api(Service.TRAINER), where.api(Service.TOKENIZER), TokenExport.SHARD_TOKENS)
                .run(dataset, target, format == null ? TokenExport.Format.NANOGPT : format);
        console.line(id + " is in " + target.toAbsolutePath().normalize());
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

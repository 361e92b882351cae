package io.bardstream.launcher;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Makes a checkpoint of a Hugging Face folder. */
@Command(
        name = "import",
        description = "Takes a GPT-2 in a Hugging Face folder into the checkpoint store and prints its id.",
        mixinStandardHelpOptions = true)
final class Import implements Callable<Integer> {
    @Mixin
    private Where where;

    @Parameters(
            paramLabel = "DIR",
            description = "A folder with config.json, model.safetensors (or shards) and the tokenizer.")
    private Path folder;

    @Option(names = "--name", paramLabel = "N", description = "What it is called; the folder's name by default.")
    private String name;

    @Option(
            names = "--dataset",
            paramLabel = "D",
            description = "Id of the dataset of ours that it was trained on elsewhere; kept as its lineage.")
    private String dataset;

    private final Console console = Console.standard();

    @Override
    public Integer call() {
        ObjectNode request =
                Api.object().put("path", folder.toAbsolutePath().normalize().toString());
        if (name != null) {
            request.put("name", name);
        }
        if (dataset != null) {
            request.put("dataset", dataset);
        }
        console.line(where.api(Service.TRAINER)
                .post("/v1/checkpoints/import", request)
                .path("id")
                .asText());
        return 0;
    }
}

package io.bardstream.launcher;

import io.bardstream.train.Preset;
import java.net.URI;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * Takes a text to a served model on services that run already, wherever they are; {@code up} does the same on those it has
 * started itself. A second time it finds everything done.
 */
@Command(
        name = "learn",
        description = "Gives services that run already, in containers for instance, a text to learn from.",
        mixinStandardHelpOptions = true)
final class Learn implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(
            names = "--home",
            paramLabel = "DIR",
            required = true,
            description = "Folder that remembers which addresses were fetched.")
    private Path home;

    @Option(names = "--preset", defaultValue = "tiny", description = "The preset that the trainer was started with.")
    private String preset;

    @Option(names = "--corpus", paramLabel = "FILE|URL", description = "Text to learn from; Shakespeare by default.")
    private String corpus;

    @Option(
            names = "--instructions",
            paramLabel = "FILE",
            description = "Instructions with answers to be tuned on then; the bundled ones by default.")
    private Path instructions;

    @Option(
            names = "--first",
            description = "Only where nothing has been trained yet; what this began with an address goes on.")
    private boolean first;

    @Option(
            names = "--tokenizer-url",
            defaultValue = "http://127.0.0.1:8081",
            description = "Where tokenizer-service is.")
    private URI tokenizer;

    @Option(names = "--trainer-url", defaultValue = "http://127.0.0.1:8082", description = "Where trainer-service is.")
    private URI trainer;

    @Override
    public Integer call() {
        if (!Preset.names().contains(preset)) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--preset is '" + preset + "'; use one of " + String.join(", ", Preset.names()));
        }
        Home folder = new Home(home);
        folder.create();
        Console console = Console.standard();
        TextToModel textToModel = new TextToModel(tokenizer, trainer, folder, console);
        if (first && textToModel.otherTextIsLearned(corpus)) {
            console.line("This system has learned from another text; nothing to do.");
            return 0;
        }
        return textToModel.run(corpus, instructions, Preset.of(preset)) ? 0 : 1;
    }
}

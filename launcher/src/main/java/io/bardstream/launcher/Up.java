package io.bardstream.launcher;

import io.bardstream.train.Preset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Runs everything on this machine until Ctrl-C, and unless told otherwise takes it from a text to a served model by itself. */
@Command(
        name = "up",
        description = "Starts everything and, without --manual, trains and serves a model; stays up until Ctrl-C.",
        mixinStandardHelpOptions = true)
final class Up implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private Where where;

    @Option(
            names = "--preset",
            defaultValue = "auto",
            description =
                    "tiny, baby, gpt2, gpt2-medium, gpt2-large, gpt2-xl; auto is tiny without a GPU, gpt2 with one.")
    private String preset;

    @Option(names = "--corpus", paramLabel = "FILE|URL", description = "Text to learn from; Shakespeare by default.")
    private String corpus;

    @Option(
            names = "--instructions",
            paramLabel = "FILE",
            description = "Instructions with answers, JSON or JSONL, to be tuned on then; the bundled ones by default.")
    private Path instructions;

    @Option(names = "--manual", description = "Starts no training by itself.")
    private boolean manual;

    @Option(
            names = "--detach",
            description = "Returns when all services are ready; everything goes on in the background.")
    private boolean detach;

    @Option(names = "--background", hidden = true)
    private boolean background;

    private final Console console = Console.standard();

    @Override
    public Integer call() throws InterruptedException {
        checkArguments();
        Home home = where.home();
        home.create();
        if (detach) {
            home.running().ifPresent(other -> {
                throw HeldSystem.alreadyRunning(home);
            });
            return Detached.start(home, spec.commandLine().getParseResult().originalArgs(), console);
        }
        Ports ports = where.ports();
        HeldSystem held = HeldSystem.take(home, ports, manual, Map.of(), console);
        return held.run(preset, system -> {
            held.exitCode(0); // Ctrl-C is how `up` is meant to end
            learn(system, home, ports);
            return forever();
        });
    }

    private static int forever() {
        try {
            new CountDownLatch(1).await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return 0;
    }

    private void checkArguments() {
        if (!preset.equals("auto") && !Preset.names().contains(preset)) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--preset is '" + preset + "'; use auto or one of " + String.join(", ", Preset.names()));
        }
        if ((corpus != null || instructions != null) && manual) {
            throw new ParameterException(
                    spec.commandLine(),
                    (corpus != null ? "--corpus" : "--instructions")
                            + " and --manual exclude each other: nothing is learned by itself");
        }
        if (instructions != null && !Files.isReadable(instructions)) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--instructions is '" + instructions + "'; there is no such file that can be read");
        }
        if (corpus != null) {
            TextToModel.problemOf(corpus).ifPresent(problem -> {
                throw new ParameterException(spec.commandLine(), "--corpus is '" + corpus + "'; " + problem);
            });
        }
    }

    private void learn(LocalSystem system, Home home, Ports ports) {
        if (manual) {
            console.line("All services are ready; nothing is trained by itself (--manual).");
            addresses(ports);
            return;
        }
        Preset chosen = Preset.of(system.preset());
        console.line("All services are ready. Preset " + chosen.name() + ".");
        Api inference = new Api(ports.uri(Service.INFERENCE));
        try (Sampling sampling = new Sampling(inference, console)) {
            sampling.start();
            new TextToModel(ports.uri(Service.TOKENIZER), ports.uri(Service.TRAINER), home, console)
                    .run(corpus, instructions, chosen);
            sampling.sample();
        } catch (CommandFailure | Api.Refusal | Api.Unreachable e) {
            console.problem("bardstream", e.getMessage());
        }
        addresses(ports);
    }

    private void addresses(Ports ports) {
        console.line("");
        console.line("  OpenAI API   " + ports.uri(Service.INFERENCE) + "/v1   model bardstream");
        console.line("  Services     "
                + String.join(
                        "  ",
                        Service.labels().stream()
                                .skip(1)
                                .map(label -> label + " "
                                        + ports.uri(Service.of(label).orElseThrow()))
                                .toList()));
        console.line("  Try          bardstream generate \"ROMEO:\", bardstream chat");
        console.line(background ? "  Stop         bardstream down" : "  Stop         Ctrl-C");
    }
}

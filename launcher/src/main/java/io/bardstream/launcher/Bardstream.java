package io.bardstream.launcher;

import java.io.PrintWriter;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The {@code bardstream} command. Exit codes: 0 done, 1 failed, 2 wrong usage. */
@Command(
        name = "bardstream",
        description = "Builds a GPT-2 from raw text, serves it and keeps improving it.",
        version = "bardstream 0.1.0",
        mixinStandardHelpOptions = true,
        subcommands = {
            Up.class,
            Demo.class,
            Learn.class,
            Down.class,
            Status.class,
            Logs.class,
            Doctor.class,
            Generate.class,
            Chat.class,
            Evaluate.class,
            Train.class,
            Promote.class,
            Replay.class,
            Export.class,
            Import.class,
            Lineage.class,
            Bench.class,
            Prepare.class
        })
public final class Bardstream implements Runnable {
    @Spec
    private CommandSpec spec;

    /** Runs one command and exits with its code. */
    public static void main(String[] arguments) {
        System.exit(commandLine().execute(arguments));
    }

    static CommandLine commandLine() {
        return new CommandLine(new Bardstream())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setExecutionExceptionHandler((failure, command, parsed) -> failed(failure, command.getErr()));
    }

    /** A failure that was foreseen is one line; any other shows where it came from. */
    private static int failed(Exception failure, PrintWriter errors) {
        if (failure instanceof CommandFailure
                || failure instanceof Api.Refusal
                || failure instanceof Api.Unreachable
                || (failure instanceof RuntimeException runtime && LocalSystem.isStartFailure(runtime))) {
            errors.println("bardstream: " + failure.getMessage());
        } else {
            errors.println("bardstream: unexpected failure");
            failure.printStackTrace(errors);
        }
        return CommandLine.ExitCode.SOFTWARE;
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "Which command?");
    }
}

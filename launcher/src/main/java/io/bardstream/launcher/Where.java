package io.bardstream.launcher;

import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Which instance a command means: the options that every command takes. */
final class Where {
    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    @Option(
            names = "--home",
            paramLabel = "DIR",
            defaultValue = "${env:BARDSTREAM_HOME}",
            description = "Folder that keeps all state; .bardstream in the checkout by default (BARDSTREAM_HOME).")
    private Path home;

    @Option(
            names = "--port-base",
            paramLabel = "N",
            description =
                    "Moves all ports by N - 8080; by default 8080, or that of the instance that runs on the home.")
    private Integer portBase;

    /** Whether a home was named, here or in the environment. */
    boolean isNamed() {
        return named().isPresent();
    }

    private Optional<Path> named() {
        return Optional.ofNullable(home).filter(folder -> !folder.toString().isEmpty());
    }

    Home home() {
        return new Home(named().orElseGet(() -> Installation.current().defaultHome()));
    }

    /** As asked, else those of the instance that runs, else the default ones. */
    Ports ports() {
        return Optional.ofNullable(portBase)
                .map(this::checked)
                .or(() -> home().running().map(Instance::ports))
                .orElseGet(() -> new Ports(Ports.DEFAULT_BASE));
    }

    private Ports checked(int base) {
        try {
            return new Ports(base);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(command.commandLine(), e.getMessage(), e);
        }
    }

    Api api(Service service) {
        return new Api(ports().uri(service));
    }
}

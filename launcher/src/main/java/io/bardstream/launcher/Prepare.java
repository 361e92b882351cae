package io.bardstream.launcher;

import io.bardstream.embedded.EmbeddedPostgres;
import io.bardstream.embedded.FreePort;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;

/**
 * What the script does once after a build, so that no start need do it: unpacks libtorch and PostgreSQL, and starts
 * everything once on a home that is thrown away to make class archives.
 */
@Command(name = "prepare", hidden = true)
final class Prepare implements Callable<Integer> {
    private final Console console = Console.standard();

    @Override
    public Integer call() throws InterruptedException {
        Installation installation = Installation.current();
        Torch.prepare(installation);
        EmbeddedPostgres.unpack(installation.postgresBinaries());
        try {
            makeClassArchives(installation);
        } catch (RuntimeException | IOException e) {
            console.problem(
                    "bardstream",
                    "services will start more slowly, for their start could not be recorded: " + e.getMessage());
        }
        return 0;
    }

    private static void makeClassArchives(Installation installation) throws IOException, InterruptedException {
        Path folder = Files.createTempDirectory(installation.root().resolve("target"), "recording-");
        Home home = new Home(folder);
        Console silent = new Console(new PrintStream(java.io.OutputStream.nullOutputStream()), false, 0);
        LocalSystem system = new LocalSystem(
                installation,
                home,
                freePorts(),
                true,
                Map.of(),
                new ClassArchives(installation.classArchives(), true),
                silent);
        Thread hook = new Thread(system::close, "stop");
        Runtime.getRuntime().addShutdownHook(hook);
        try (system) {
            home.create();
            system.start("tiny");
            system.makeClassArchives();
        }
        Runtime.getRuntime().removeShutdownHook(hook);
        delete(folder);
    }

    private static Ports freePorts() {
        return Stream.generate(FreePort::any)
                .map(Ports::new)
                .filter(ports -> ports.all().keySet().stream().allMatch(FreePort::isFree))
                .findFirst()
                .orElseThrow();
    }

    private static void delete(Path folder) {
        try (Stream<Path> paths = Files.walk(folder)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("Could not delete " + folder, e);
        }
    }
}

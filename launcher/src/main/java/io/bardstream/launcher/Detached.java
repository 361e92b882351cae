package io.bardstream.launcher;

import io.bardstream.embedded.Child;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Starts {@code up} again as a process that outlives this one and its terminal, and waits until it is ready. */
final class Detached {
    private Detached() {}

    /** Shows what the background process says until it is ready; returns the exit code. */
    static int start(Home home, List<String> arguments, Console console) throws InterruptedException {
        Path log = home.log("bardstream");
        try {
            Files.deleteIfExists(log);
            Process process = new ProcessBuilder(Child.ownSession(command(arguments)))
                    .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")))
                    .redirectErrorStream(true)
                    .redirectOutput(log.toFile())
                    .start();
            return awaitReady(process, home, log, console);
        } catch (IOException e) {
            throw new CommandFailure("The background process could not be started (" + e + ").", e);
        }
    }

    private static List<String> command(List<String> arguments) {
        List<String> words = new ArrayList<>();
        System.getProperties().stringPropertyNames().stream()
                .filter(name -> name.startsWith("bardstream.") && !name.equals(Console.TERMINAL))
                .sorted()
                .forEach(name -> words.add("-D" + name + "=" + System.getProperty(name)));
        words.addAll(List.of(
                "-Xmx192m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                Bardstream.class.getName()));
        arguments.stream().filter(word -> !word.equals("--detach")).forEach(words::add);
        words.add("--background");
        return Installation.java(words.toArray(String[]::new));
    }

    private static int awaitReady(Process process, Home home, Path log, Console console)
            throws IOException, InterruptedException {
        int shown = 0;
        while (true) {
            boolean ended = process.waitFor(100, TimeUnit.MILLISECONDS);
            Optional<Instance> instance =
                    Instance.read(home.instanceFile()).filter(each -> each.pid() == process.pid() && each.ready());
            shown = show(log, shown, console);
            if (ended) {
                console.line("The background process ended; see " + log);
                return 1;
            }
            if (instance.isPresent()) {
                console.line("Runs in the background (pid " + process.pid()
                        + "): `bardstream status` shows how it goes on, `bardstream down` stops it.");
                return 0;
            }
        }
    }

    /** Prints the log's whole lines from that character on; returns where to go on. */
    private static int show(Path log, int from, Console console) throws IOException {
        String text = Files.readString(log, StandardCharsets.UTF_8);
        int end = text.lastIndexOf('\n') + 1;
        if (end > from) {
            text.substring(from, end).lines().forEach(console::line);
        }
        return Math.max(from, end);
    }
}

package io.bardstream.launcher;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The checkout this command runs from, and where its build put what the launcher starts. */
record Installation(Path root) {
    /** System property, set by the script {@code bardstream}, that names the checkout. */
    static final String ROOT = "bardstream.root";

    static Installation current() {
        return new Installation(Optional.ofNullable(System.getProperty(ROOT))
                .map(Path::of)
                .map(path -> path.toAbsolutePath().normalize())
                .orElseThrow(() -> new CommandFailure(
                        "-D" + ROOT + " is not set; start by the script `bardstream` of a checkout.")));
    }

    /** The state's folder unless a command says otherwise. */
    Path defaultHome() {
        return root.resolve(".bardstream");
    }

    /** The runnable jar of a service. */
    Path jar(Service service) {
        Path jar = application(service).resolve("quarkus-run.jar");
        if (!Files.isRegularFile(jar)) {
            throw new CommandFailure(
                    service.module() + " is not built: no " + jar + ". Run ./bardstream up, which builds it.");
        }
        return jar;
    }

    Path application(Service service) {
        return root.resolve(service.module()).resolve("target").resolve("quarkus-app");
    }

    /** The class path of a service's own code and libraries, for programs that run beside the services. */
    String libraries(Service service) {
        return Stream.of("app", "lib/boot", "lib/main")
                .map(folder -> application(service).resolve(folder) + File.separator + "*")
                .collect(Collectors.joining(File.pathSeparator));
    }

    /** The broker's jars. */
    Path kafkaLibraries() {
        return root.resolve("embedded").resolve("target").resolve("kafka").resolve("lib");
    }

    /** PostgreSQL's programs, unpacked once for all homes. */
    Path postgresBinaries() {
        return root.resolve("target").resolve("postgres");
    }

    /** libtorch, unpacked once for all homes and for the tests; DJL_CACHE_DIR moves it. */
    Path torchCache() {
        return Optional.ofNullable(System.getenv("DJL_CACHE_DIR"))
                .map(Path::of)
                .orElse(root.resolve("target").resolve("djl-cache"));
    }

    Path classArchives() {
        return root.resolve("target").resolve("class-archives");
    }

    /** A file that stands there while this process runs services from this checkout, so that no build pulls their jars away. */
    Path runningMark() {
        return root.resolve("target")
                .resolve("running")
                .resolve(Long.toString(ProcessHandle.current().pid()));
    }

    /** The command that runs a JVM of its own, of the same Java as this one. */
    static List<String> java(String... words) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(Arrays.asList(words));
        return command;
    }
}

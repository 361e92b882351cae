package io.bardstream.launcher;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * libtorch on this machine. Its 450 MB are unpacked once, before any service needs them: services that start together would race to unpack the same files.
 *
 * @param cache where it lies unpacked; the services' DJL_CACHE_DIR
 * @param gpus how many of them it can use
 */
record Torch(Path cache, int gpus) {
    private static final String CUDA = "PYTORCH_LIBRARY_PATH";

    /**
     * Unpacks libtorch unless that is done, and counts the GPUs: 0 without asking where no libtorch for CUDA is configured.
     */
    static Torch prepare(Installation installation) {
        Path cache = installation.torchCache();
        try {
            Path done = cache.resolve("unpacked-" + nativeJar(installation));
            boolean cuda = System.getenv(CUDA) != null;
            if (Files.exists(done) && !cuda) {
                return new Torch(cache, 0);
            }
            Files.createDirectories(cache);
            int gpus = probe(installation, cache);
            if (!cuda) {
                Files.writeString(done, "");
            }
            return new Torch(cache, gpus);
        } catch (IOException e) {
            throw new CommandFailure(
                    "libtorch could not be unpacked to " + cache + " (" + e + "). DJL_CACHE_DIR moves it.", e);
        }
    }

    private static String nativeJar(Installation installation) throws IOException {
        try (Stream<Path> jars =
                Files.walk(installation.application(Service.TRAINER).resolve("lib"), 2)) {
            return jars.map(jar -> jar.getFileName().toString())
                    .filter(name -> name.contains("pytorch-native"))
                    .findFirst()
                    .orElse("elsewhere");
        }
    }

    private static int probe(Installation installation, Path cache) throws IOException {
        String classpath =
                System.getProperty("java.class.path") + File.pathSeparator + installation.libraries(Service.TRAINER);
        ProcessBuilder builder = new ProcessBuilder(Installation.java(
                        "-Xmx128m",
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-Dai.djl.offline=true",
                        "-cp",
                        classpath,
                        TorchProbe.class.getName()))
                .redirectErrorStream(true);
        builder.environment().put("DJL_CACHE_DIR", cache.toString());
        Process process = builder.start();
        process.getOutputStream().close();
        List<String> said = new ArrayList<>();
        try (Stream<String> lines = process.inputReader(StandardCharsets.UTF_8).lines()) {
            lines.forEach(said::add);
        }
        return said.stream()
                .filter(line -> line.startsWith(TorchProbe.GPUS))
                .map(line -> Integer.parseInt(line.substring(TorchProbe.GPUS.length())))
                .findFirst()
                .orElseThrow(
                        () -> new CommandFailure("libtorch could not be loaded. It says:\n" + String.join("\n", said)));
    }

    /** The preset that is meant: {@code auto} is tiny without a GPU and gpt2 with one. */
    String preset(String asked) {
        if (!asked.equals("auto")) {
            return asked;
        }
        return gpus > 0 ? "gpt2" : "tiny";
    }
}

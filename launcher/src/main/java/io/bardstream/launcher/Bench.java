package io.bardstream.launcher;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.bardstream.embedded.Child;
import io.bardstream.embedded.EmbeddedKafka;
import io.bardstream.embedded.FreePort;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * Measures how fast Bardstream is on this machine. Each benchmark is a program among a service's libraries, run in a
 * process of its own.
 */
@Command(
        name = "bench",
        description = "Measures how fast this machine is. Stop what else it does first.",
        mixinStandardHelpOptions = true)
final class Bench implements Callable<Integer> {
    /** What can be measured. */
    enum Benchmark {
        /** Training steps in nanoGPT's shapes. */
        TRAIN(Service.TRAINER, "io.bardstream.train.TrainBenchmark", false),
        /** What it costs a training that its tokens and measurements go through Kafka. */
        PIPELINE(Service.TRAINER, "io.bardstream.training.PipelineBenchmark", true),
        /** Updates of PPO: rollouts, scoring, reference, learning. */
        PPO(Service.TRAINER, "io.bardstream.trainer.PpoBenchmark", false);

        private final Service service;
        private final String program;
        private final boolean broker;

        Benchmark(Service service, String program, boolean broker) {
            this.service = service;
            this.program = program;
            this.broker = broker;
        }

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    @Mixin
    private Where where;

    @Parameters(arity = "0..*", paramLabel = "BENCHMARK", description = "${COMPLETION-CANDIDATES}; all by default.")
    private List<Benchmark> chosen = new ArrayList<>();

    @Option(names = "--json", paramLabel = "FILE", description = "Writes the measurements there, as a list.")
    private Path json;

    private final Console console = Console.standard();

    @Override
    public Integer call() throws IOException, InterruptedException {
        Installation installation = Installation.current();
        Torch torch = Torch.prepare(installation);
        ArrayNode measurements = Api.JSON.createArrayNode();
        for (Benchmark benchmark : chosen.isEmpty() ? List.of(Benchmark.values()) : chosen) {
            console.line("bench " + benchmark);
            for (JsonNode measurement : run(benchmark, installation, torch)) {
                measurements.add(
                        Api.object().put("benchmark", benchmark.toString()).setAll((ObjectNode) measurement));
            }
        }
        if (json != null) {
            Api.JSON.writerWithDefaultPrettyPrinter().writeValue(json.toFile(), measurements);
        }
        return 0;
    }

    /** Runs it in a folder of its own, beside a broker of its own where it needs one. */
    private static JsonNode run(Benchmark benchmark, Installation installation, Torch torch)
            throws IOException, InterruptedException {
        Path folder = Files.createTempDirectory(installation.root().resolve("target"), "bench-");
        try {
            Path file = folder.resolve("measurements.json");
            if (benchmark.broker) {
                System.setProperty(
                        EmbeddedKafka.LIBRARIES, installation.kafkaLibraries().toString());
                try (EmbeddedKafka kafka = EmbeddedKafka.start(
                        folder.resolve("kafka"), FreePort.any(), FreePort.any(), folder.resolve("kafka.log"))) {
                    String home = folder.resolve("home").toString();
                    String broker = Long.toString(kafka.process().pid());
                    run(benchmark, installation, torch, file.toString(), kafka.bootstrapServers(), broker, home);
                }
            } else {
                run(benchmark, installation, torch, file.toString());
            }
            return Api.JSON.readTree(file.toFile());
        } finally {
            Child.deleteTree(folder);
        }
    }

    /** The program leaves a JSON list in the file that its first argument names. */
    private static void run(Benchmark benchmark, Installation installation, Torch torch, String... arguments)
            throws IOException, InterruptedException {
        List<String> command = Installation.java(benchmark.service.jvm().toArray(String[]::new));
        command.add("-Djava.util.logging.manager=org.jboss.logmanager.LogManager"); // as in the service
        command.add("-cp");
        command.add(installation.libraries(benchmark.service));
        command.add(benchmark.program);
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command).inheritIO();
        builder.environment().put("DJL_CACHE_DIR", torch.cache().toString());
        int exit = builder.start().waitFor();
        if (exit != 0) {
            throw new CommandFailure("The benchmark " + benchmark + " ended with exit code " + exit);
        }
    }
}

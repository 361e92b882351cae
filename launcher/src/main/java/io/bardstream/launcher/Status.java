package io.bardstream.launcher;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What runs on a home: services, memory, the newest training run and the model that is served. Exit code 1 unless all is ready. */
@Command(
        name = "status",
        description = "Shows what runs and how far it is. Exit code 0 if everything is ready, 1 otherwise.",
        mixinStandardHelpOptions = true)
final class Status implements Callable<Integer> {
    @Mixin
    private Where where;

    @Option(names = "--json", description = "As one JSON object.")
    private boolean json;

    private final Console console = Console.standard();

    @Override
    public Integer call() {
        Home home = where.home();
        Optional<Instance> instance = home.running();
        ObjectNode status = Api.object()
                .put("running", instance.isPresent())
                .put("home", home.path().toString());
        boolean ready = instance.isPresent() && describe(status, instance.get());
        status.put("ready", ready);
        console.line(json ? status.toPrettyString() : text(status));
        return ready ? 0 : 1;
    }

    private static boolean describe(ObjectNode status, Instance instance) {
        Ports ports = instance.ports();
        status.put("pid", instance.pid())
                .put("port_base", instance.portBase())
                .put("preset", instance.preset())
                .put("manual", instance.manual())
                .put("started_at", instance.startedAt());
        ArrayNode processes = status.putArray("processes");
        boolean all = process(processes, instance, "kafka", "127.0.0.1:" + ports.kafka(), listens(ports.kafka()));
        all &= process(processes, instance, "postgres", "127.0.0.1:" + ports.postgres(), listens(ports.postgres()));
        for (Service service : Service.values()) {
            String address = ports.uri(service).toString();
            all &= process(
                    processes,
                    instance,
                    service.label(),
                    address,
                    new Api(ports.uri(service)).answers("/q/health/ready", 200));
        }
        newestRun(ports).ifPresent(run -> status.set("run", run));
        status.put("serving", new Api(ports.uri(Service.INFERENCE)).answers("/health", 200));
        return all;
    }

    private static boolean process(ArrayNode processes, Instance instance, String name, String address, boolean ready) {
        ObjectNode process =
                processes.addObject().put("name", name).put("address", address).put("ready", ready);
        Optional.ofNullable(instance.children().get(name)).ifPresent(pid -> {
            process.put("pid", pid);
            process.put("resident_bytes", residentBytes(pid));
        });
        return ready;
    }

    private static boolean listens(int port) {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            return socket.isConnected();
        } catch (IOException e) {
            return false;
        }
    }

    /** Of the process and all below it; PostgreSQL is a family of processes that share memory, which is counted once (PSS). */
    static long residentBytes(long pid) {
        return ProcessHandle.of(pid)
                .map(process -> java.util.stream.Stream.concat(
                                java.util.stream.Stream.of(process), process.descendants())
                        .mapToLong(each -> proportionalBytes(each.pid()))
                        .sum())
                .orElse(0L);
    }

    private static long proportionalBytes(long pid) {
        try {
            List<String> lines = Files.readAllLines(Path.of("/proc", Long.toString(pid), "smaps_rollup"));
            return lines.stream()
                    .filter(line -> line.startsWith("Pss:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
                    .findFirst()
                    .orElse(0);
        } catch (IOException | UncheckedIOException notLinuxOrGone) {
            return 0;
        }
    }

    private static Optional<JsonNode> newestRun(Ports ports) {
        try {
            List<JsonNode> runs = Api.items(new Api(ports.uri(Service.TRAINER)).get("/v1/runs"));
            return runs.stream().max(java.util.Comparator.comparing(run -> run.path("created_at")
                    .asText()));
        } catch (Api.Unreachable | Api.Refusal notNow) {
            return Optional.empty();
        }
    }

    private static String text(ObjectNode status) {
        if (!status.path("running").asBoolean()) {
            return "Nothing runs on " + status.path("home").asText();
        }
        StringBuilder text = new StringBuilder(String.format(
                Locale.ROOT,
                "%s on %s, preset %s, since %s%n",
                status.path("ready").asBoolean() ? "Ready" : "Not ready",
                status.path("home").asText(),
                status.path("preset").asText(),
                status.path("started_at").asText()));
        for (JsonNode process : status.path("processes")) {
            text.append(String.format(
                    Locale.ROOT,
                    "  %-10s %-24s %-9s pid %-8s %5d MB%n",
                    process.path("name").asText(),
                    process.path("address").asText(),
                    process.path("ready").asBoolean() ? "ready" : "not ready",
                    process.path("pid").asText("-"),
                    process.path("resident_bytes").asLong() / 1_000_000));
        }
        JsonNode run = status.path("run");
        if (!run.isMissingNode()) {
            text.append(Progress.NONE
                    .with(run)
                    .line("  " + run.path("stage").asText() + " "
                            + run.path("status").asText()));
            text.append(System.lineSeparator());
        }
        return text.append(status.path("serving").asBoolean() ? "  serving a model" : "  serving no model yet")
                .toString();
    }
}

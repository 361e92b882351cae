package io.bardstream.launcher;

import io.bardstream.embedded.FreePort;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Looks at everything that can keep Bardstream from working here. Exit code 1 if something does; what only limits it is a note. */
@Command(
        name = "doctor",
        description = "Checks this machine: what would fail, and what to do.",
        mixinStandardHelpOptions = true)
final class Doctor implements Callable<Integer> {
    private static final long ENOUGH_MEMORY = 4_000_000_000L;

    @Mixin
    private Where where;

    private final Console console = Console.standard();
    private boolean healthy = true;

    /** A check; throws {@link CommandFailure} where it fails, returns what it found otherwise. */
    @FunctionalInterface
    private interface Check {
        String look();
    }

    @Override
    public Integer call() {
        Home home = where.home();
        Installation installation = Installation.current();
        check("Java", Doctor::java);
        check("processors", Doctor::processors);
        check("memory", Doctor::memory);
        check("home", () -> {
            home.create();
            return home.path() + " can be written";
        });
        check("disk", () -> {
            Preflight.diskSpace(home.path());
            return String.format(Locale.ROOT, "%.0f GB free", Preflight.usableSpace(home.path()) / 1e9);
        });
        check("ports", () -> ports(home));
        check("libtorch", () -> {
            Torch torch = Torch.prepare(installation);
            return "unpacked in " + torch.cache() + ", " + torch.gpus() + " GPUs";
        });
        check("GPU", () -> gpu(installation));
        check("corpus", Doctor::corpus);
        return healthy ? 0 : 1;
    }

    private void check(String name, Check check) {
        try {
            console.line(String.format(Locale.ROOT, "ok      %-11s %s", name, check.look()));
        } catch (CommandFailure e) {
            healthy = false;
            console.line(String.format(Locale.ROOT, "FAILED  %-11s %s", name, e.getMessage()));
        }
    }

    private static String java() {
        return Runtime.version() + ", " + System.getProperty("java.vendor") + ", " + System.getProperty("java.home");
    }

    private static String processors() {
        String count = Runtime.getRuntime().availableProcessors() + " of " + System.getProperty("os.arch");
        try {
            boolean bfloat16 = Files.readString(Path.of("/proc/cpuinfo")).contains("avx512_bf16");
            return count + (bfloat16 ? ", with bfloat16" : ", without bfloat16 (trains in float32)");
        } catch (IOException notLinux) {
            return count;
        }
    }

    private static String memory() {
        try (Stream<String> lines = Files.lines(Path.of("/proc/meminfo"))) {
            long available = lines.filter(line -> line.startsWith("MemAvailable:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
                    .findFirst()
                    .orElse(Long.MAX_VALUE);
            String found = String.format(Locale.ROOT, "%.1f GB available", available / 1e9);
            return available < ENOUGH_MEMORY ? found + "; about 4 GB are used while tiny trains" : found;
        } catch (IOException notLinux) {
            return "unknown";
        }
    }

    private String ports(Home home) {
        Optional<Instance> running = home.running();
        Ports ports = where.ports();
        if (running.isPresent() && running.get().ports().equals(ports)) {
            return "in use by the instance that runs on this home, pid "
                    + running.get().pid();
        }
        Preflight.portsAreFree(ports);
        return "free: "
                + String.join(
                        ", ",
                        ports.all().keySet().stream()
                                .filter(FreePort::isFree)
                                .map(String::valueOf)
                                .toList());
    }

    private static String gpu(Installation installation) {
        boolean card = Files.exists(Path.of("/proc/driver/nvidia/version")) || Files.exists(Path.of("/dev/nvidia0"));
        boolean used = System.getenv("PYTORCH_LIBRARY_PATH") != null
                && Torch.prepare(installation).gpus() > 0;
        if (used) {
            return "used";
        }
        return card
                ? "a card is here, but libtorch for CUDA is not: set PYTORCH_LIBRARY_PATH to a libtorch 2.7.1+cu128,"
                        + " PYTORCH_VERSION=2.7.1 and PYTORCH_FLAVOR=cu128"
                : "none; the preset is tiny unless another is asked for";
    }

    private static String corpus() {
        try {
            HttpRequest request = HttpRequest.newBuilder(URI.create(TextToModel.TINYSHAKESPEARE))
                    .timeout(Duration.ofSeconds(10))
                    .method("HEAD", HttpRequest.BodyPublishers.noBody())
                    .build();
            int status = HttpClient.newBuilder()
                    .connectTimeout(Duration.ofSeconds(5))
                    .build()
                    .send(request, HttpResponse.BodyHandlers.discarding())
                    .statusCode();
            return "the default corpus answers with status " + status;
        } catch (IOException e) {
            return "the default corpus cannot be reached (" + e + "); the bundled Shakespeare is used instead";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CommandFailure("Interrupted", e);
        }
    }
}

package io.bardstream.launcher;

import io.bardstream.embedded.Child;
import io.bardstream.embedded.FreePort;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What must hold before anything is started; each check fails with what is wrong and what to do. */
final class Preflight {
    /** Broker, database and the checkpoints of a small model need far less; a full disk in the middle of a run is worse than a refusal. */
    static final long LEAST_DISK = 1_000_000_000L;

    private static final int STALE_SECONDS = 20;

    private Preflight() {}

    static void diskSpace(Path folder) {
        long free = usableSpace(folder);
        if (free < LEAST_DISK) {
            throw new CommandFailure(String.format(
                    Locale.ROOT,
                    "Only %.1f GB are free where %s lies; at least %.1f GB are needed. Free some, or choose another place by --home.",
                    free / 1e9,
                    folder,
                    LEAST_DISK / 1e9));
        }
    }

    static long usableSpace(Path folder) {
        try {
            return Files.getFileStore(folder).getUsableSpace();
        } catch (IOException e) {
            throw new CommandFailure("The disk of " + folder + " cannot be asked for its free space (" + e + ").", e);
        }
    }

    /** Children of an instance that was killed end by themselves within seconds; ports and data are theirs until then. */
    static void childrenOfAKilledInstance(Home home) {
        Instance.read(home.instanceFile()).ifPresent(dead -> {
            for (Map.Entry<String, Long> child : dead.children().entrySet()) {
                Child.endStale(child.getValue(), mark(home, child.getKey()), STALE_SECONDS);
            }
        });
    }

    /** A word of the child's command line that no stranger's has. */
    static String mark(Home home, String child) {
        return Service.of(child)
                .map(service -> "-Dbardstream.service=" + service.label())
                .orElse(home.path().toString());
    }

    static void portsAreFree(Ports ports) {
        List<String> taken = ports.all().entrySet().stream()
                .filter(port -> !FreePort.isFree(port.getKey()))
                .map(port -> "  " + port.getKey() + " (" + port.getValue() + ")"
                        + PortOwner.of(port.getKey())
                                .map(owner -> " by " + owner)
                                .orElse(""))
                .toList();
        if (!taken.isEmpty()) {
            throw new CommandFailure("Ports are taken:\n" + String.join("\n", taken)
                    + "\nStop what listens there, or move all of Bardstream's ports by --port-base N (now "
                    + ports.base() + ").");
        }
    }
}

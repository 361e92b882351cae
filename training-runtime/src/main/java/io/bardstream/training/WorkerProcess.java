package io.bardstream.training;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A process that owns runs, named so that another one can tell whether it is gone. That can be known for certain only of a
 * process of the same boot of the same Linux, seen from the same process namespace; of any other, on another host or in another
 * container, the end of its lease must be awaited.
 *
 * @param boot of the machine; empty where it cannot be known
 * @param namespace in which {@code pid} counts
 * @param started in clock ticks after the boot: a pid may be given to a stranger later
 * @param unique tells workers of one process apart
 */
record WorkerProcess(String boot, String namespace, long pid, long started, String unique) {
    private static final Pattern TEXT = Pattern.compile("([^/]*)/([^/]*)/(\\d+)/(\\d+)/([^/]+)");
    private static final Path BOOT = Path.of("/proc/sys/kernel/random/boot_id");
    private static final Path NAMESPACE = Path.of("/proc/self/ns/pid");

    /** Places in {@code /proc/PID/stat}, counted after the command, whose name may hold blanks. */
    private static final int STATE = 0;

    private static final int START_TIME = 19;

    static WorkerProcess current() {
        long pid = ProcessHandle.current().pid();
        String unique = UUID.randomUUID().toString();
        try {
            String boot = Files.readString(BOOT).strip();
            String namespace = Files.readSymbolicLink(NAMESPACE).toString();
            return new WorkerProcess(boot, namespace, pid, Long.parseLong(stat(pid)[START_TIME]), unique);
        } catch (IOException | UnsupportedOperationException notLinux) {
            return new WorkerProcess("", "", pid, 0, unique);
        }
    }

    /** Reads what {@link #toString} wrote. */
    static Optional<WorkerProcess> parse(String text) {
        Matcher parts = TEXT.matcher(text);
        return parts.matches()
                ? Optional.of(new WorkerProcess(
                        parts.group(1),
                        parts.group(2),
                        Long.parseLong(parts.group(3)),
                        Long.parseLong(parts.group(4)),
                        parts.group(5)))
                : Optional.empty();
    }

    /** Whether a process is gone beyond doubt, as this one sees it. A paused one is not. */
    boolean knowsGone(WorkerProcess other) {
        if (boot.isEmpty() || !boot.equals(other.boot) || !namespace.equals(other.namespace)) {
            return false;
        }
        try {
            String[] stat = stat(other.pid);
            return stat[STATE].equals("Z") || Long.parseLong(stat[START_TIME]) != other.started;
        } catch (NoSuchFileException e) {
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    private static String[] stat(long pid) throws IOException {
        String line = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
        return line.substring(line.lastIndexOf(')') + 2).split(" ");
    }

    @Override
    public String toString() {
        return boot + "/" + namespace + "/" + pid + "/" + started + "/" + unique;
    }
}

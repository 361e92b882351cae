package io.bardstream.launcher;

import io.bardstream.embedded.Child;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** Which process listens on a port, as far as Linux lets this user see it. */
final class PortOwner {
    private static final Path PROC = Path.of("/proc");
    private static final String LISTENING = "0A";
    private static final int LONGEST = 60;

    private PortOwner() {}

    /** Such as {@code pid 4711 (java -jar app.jar)}. */
    static Optional<String> of(int port) {
        Set<String> sockets = new HashSet<>();
        for (String table : List.of("net/tcp", "net/tcp6")) {
            sockets.addAll(listeningSockets(table, port));
        }
        return sockets.isEmpty() ? Optional.empty() : owner(sockets);
    }

    /** A line of the table: {@code sl local_address rem_address st … inode}; the address is {@code hex ip:hex port}. */
    private static Set<String> listeningSockets(String table, int port) {
        String suffix = String.format(Locale.ROOT, ":%04X", port);
        Set<String> links = new HashSet<>();
        try {
            for (String line : Files.readAllLines(PROC.resolve(table))) {
                String[] words = line.strip().split("\\s+");
                if (words.length > 9 && words[1].endsWith(suffix) && words[3].equals(LISTENING)) {
                    links.add("socket:[" + words[9] + "]");
                }
            }
        } catch (IOException | UncheckedIOException notLinux) {
            return Set.of();
        }
        return links;
    }

    private static Optional<String> owner(Set<String> sockets) {
        return ProcessHandle.allProcesses()
                .filter(process -> holds(process, sockets))
                .findFirst()
                .map(process -> "pid " + process.pid() + " ("
                        + shortened(Child.commandLine(process).strip()) + ")");
    }

    private static boolean holds(ProcessHandle process, Set<String> sockets) {
        Path descriptors = PROC.resolve(Long.toString(process.pid())).resolve("fd");
        try (DirectoryStream<Path> links = Files.newDirectoryStream(descriptors)) {
            for (Path link : links) {
                if (Files.isSymbolicLink(link)
                        && sockets.contains(Files.readSymbolicLink(link).toString())) {
                    return true;
                }
            }
        } catch (IOException | java.nio.file.DirectoryIteratorException notOurs) {
            return false;
        }
        return false;
    }

    /** Without the program's folder. */
    private static String shortened(String command) {
        String name = command.replaceFirst("^\\S*/", "");
        return name.length() <= LONGEST ? name : name.substring(0, LONGEST) + "…";
    }
}

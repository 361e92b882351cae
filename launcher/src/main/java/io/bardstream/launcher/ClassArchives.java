package io.bardstream.launcher;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Class archives (JVM application class data sharing): the classes that a JVM loads at start, parsed and linked beforehand, which halves the processor time until
 * a service is ready. They are made once after a build; a JVM that finds its archive missing or made for other jars starts without.
 *
 * @param folder where they lie, one for each process and Java
 * @param recording whether JVMs are started so that their archives can be made
 */
record ClassArchives(Path folder, boolean recording) {
    /** Options for the JVM of the process with that name. */
    String[] options(String name) {
        if (recording) {
            return new String[] {"-XX:+RecordDynamicDumpInfo"};
        }
        return Files.exists(file(name))
                ? new String[] {
                    "-XX:SharedArchiveFile=" + file(name), "-Xshare:auto", "-Xlog:disable", "-Xlog:all=error:stderr"
                }
                : new String[0];
    }

    /** Writes the archive of a running JVM that was started to be recorded. */
    void make(String name, long pid) throws IOException, InterruptedException {
        Files.createDirectories(folder);
        Files.deleteIfExists(file(name));
        Path jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd");
        Process process = new ProcessBuilder(
                        List.of(jcmd.toString(), Long.toString(pid), "VM.cds", "dynamic_dump", quoted(file(name))))
                .redirectErrorStream(true)
                .start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0 || !Files.exists(file(name))) {
            throw new IOException("no class archive of " + name + ": " + said.strip());
        }
    }

    /** jcmd splits its words again, in the other JVM. */
    private static String quoted(Path file) {
        return '"' + file.toString() + '"';
    }

    private Path file(String name) {
        return folder.resolve(name + "-" + Runtime.version() + ".jsa");
    }
}

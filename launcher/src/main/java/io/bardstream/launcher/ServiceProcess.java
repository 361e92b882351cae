package io.bardstream.launcher;

import io.bardstream.embedded.Child;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** Starts one service as a process of its own; its output goes to its log, errors also to the console, though not
 * the same one again and again. */
final class ServiceProcess {
    private static final int STOP_SECONDS = 12;

    /** The console format of service-runtime: time, level, logger. */
    private static final Pattern ERROR = Pattern.compile("^\\S+ (ERROR|FATAL) +(?<text>.*)");

    private final Service service;
    private final Installation installation;
    private final Home home;
    private final Map<String, String> settings;
    private final ClassArchives archives;
    private final Console console;

    /** A service with its settings as environment variables. */
    ServiceProcess(
            Service service,
            Installation installation,
            Home home,
            Map<String, String> settings,
            ClassArchives archives,
            Console console) {
        this.service = service;
        this.installation = installation;
        this.home = home;
        this.settings = settings;
        this.archives = archives;
        this.console = console;
    }

    Supervised.Running start() throws IOException {
        ProcessBuilder builder = new ProcessBuilder(Child.ownSession(command()))
                .directory(home.path().toFile())
                .redirectErrorStream(true);
        builder.environment().putAll(settings);
        Process process = builder.start();
        RotatingLog log = new RotatingLog(home.log(service.label()), RotatingLog.DEFAULT_BYTES);
        Thread pump = new Thread(() -> pump(process, log), "log-" + service.label());
        pump.setDaemon(true);
        pump.start();
        return Supervised.Running.tethered(process, STOP_SECONDS);
    }

    private List<String> command() {
        Path jar = installation.jar(service);
        List<String> options = new ArrayList<>();
        options.add("-Dbardstream.service=" + service.label());
        options.addAll(service.jvm());
        options.addAll(Arrays.asList(archives.options(service.label())));
        options.add("-Djava.awt.headless=true");
        options.add("-Dai.djl.offline=true");
        options.add("-jar");
        options.add(jar.toString());
        return Installation.java(options.toArray(String[]::new));
    }

    private void pump(Process process, RotatingLog log) {
        String reported = "";
        try (log;
                BufferedReader output = process.inputReader(StandardCharsets.UTF_8)) {
            for (String line = output.readLine(); line != null; line = output.readLine()) {
                log.write(line);
                var error = ERROR.matcher(line);
                if (error.matches() && !error.group("text").equals(reported)) {
                    reported = error.group("text");
                    console.problem(service.label(), reported);
                }
            }
        } catch (IOException e) {
            console.problem(service.label(), "its log " + home.log(service.label()) + " cannot be written: " + e);
        }
    }
}

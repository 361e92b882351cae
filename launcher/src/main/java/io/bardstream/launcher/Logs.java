package io.bardstream.launcher;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Shows the ends of the logs, and what is added to them. */
@Command(name = "logs", description = "Shows the newest lines of one log, or of all.", mixinStandardHelpOptions = true)
final class Logs implements Callable<Integer> {
    private static final List<String> OTHERS = List.of("kafka", "postgres", "bardstream");
    private static final int LONGEST_TAIL = 4_000_000;

    @Spec
    private CommandSpec spec;

    @Mixin
    private Where where;

    @Parameters(
            arity = "0..1",
            paramLabel = "SERVICE",
            description =
                    "inference, tokenizer, trainer, feedback, reward, kafka, postgres, or bardstream after up --detach.")
    private String service;

    @Option(
            names = {"-f", "--follow"},
            description = "Goes on with what is added.")
    private boolean follow;

    @Option(
            names = {"-n", "--lines"},
            defaultValue = "100",
            description = "Number of lines of each log (${DEFAULT-VALUE}).")
    private int lines;

    private final Console console = Console.standard();

    @Override
    public Integer call() throws IOException, InterruptedException {
        List<String> known =
                Stream.concat(Service.labels().stream(), OTHERS.stream()).toList();
        if (service != null && !known.contains(service)) {
            throw new ParameterException(
                    spec.commandLine(), "There is no log of '" + service + "'; use one of " + String.join(", ", known));
        }
        if (lines < 0) {
            throw new ParameterException(spec.commandLine(), "--lines is " + lines + "; it must be 0 or more");
        }
        Home home = where.home();
        Map<String, Tail> tails = new LinkedHashMap<>();
        for (String name : service == null ? known : List.of(service)) {
            tails.put(service == null ? name + " | " : "", new Tail(home.log(name)));
        }
        if (!follow && tails.values().stream().noneMatch(Tail::exists)) {
            throw new CommandFailure("There is no log in " + home.logs() + " yet.");
        }
        for (Map.Entry<String, Tail> tail : tails.entrySet()) {
            print(tail.getKey(), tail.getValue().last(lines));
        }
        while (follow) {
            for (Map.Entry<String, Tail> tail : tails.entrySet()) {
                print(tail.getKey(), tail.getValue().added());
            }
            TimeUnit.MILLISECONDS.sleep(200);
        }
        return 0;
    }

    private void print(String prefix, List<String> text) {
        text.forEach(line -> console.line(prefix + line));
    }

    /** One growing file that may be rotated away under the reader. */
    private static final class Tail {
        private final Path file;
        private long position;

        Tail(Path file) {
            this.file = file;
        }

        boolean exists() {
            return Files.exists(file);
        }

        List<String> last(int lines) throws IOException {
            position = exists() ? Math.max(0, Files.size(file) - LONGEST_TAIL) : 0;
            List<String> all = added();
            return all.subList(Math.max(0, all.size() - lines), all.size());
        }

        /** The whole lines written since the last call. */
        List<String> added() throws IOException {
            if (!exists()) {
                return List.of();
            }
            try (RandomAccessFile input = new RandomAccessFile(file.toFile(), "r")) {
                position = input.length() < position ? 0 : position;
                input.seek(position);
                byte[] bytes = new byte[(int) Math.min(LONGEST_TAIL, input.length() - position)];
                input.readFully(bytes);
                int end = bytes.length;
                while (end > 0 && bytes[end - 1] != '\n') {
                    end--;
                }
                position += end;
                return new ArrayList<>(new String(bytes, 0, end, StandardCharsets.UTF_8)
                        .lines()
                        .toList());
            }
        }
    }
}

package io.bardstream.launcher;

import com.fasterxml.jackson.databind.JsonNode;
import io.bardstream.launcher.DemoReport.Accuracy;
import io.bardstream.launcher.DemoReport.Measured;
import io.bardstream.launcher.DemoReport.Sample;
import io.bardstream.train.Preset;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * The whole ring with nobody at the form: a scripted annotator has a taste that no model is told, and a report says whether the
 * policy found out. On a home of its own, so that nothing from before can help.
 */
@Command(
        name = "demo",
        description =
                "Takes a text all the way round: policy, votes by a scripted annotator's taste, reward model, PPO,"
                        + " promotion; then reports whether the taste became more frequent. Exit code 0 only if it did, at no"
                        + " price in variety and memory.",
        mixinStandardHelpOptions = true)
final class Demo implements Callable<Integer> {
    private static final String PRESET = "tiny";
    private static final int SAMPLES_SHOWN = 12;
    private static final long SEED = 1337;

    /** Prompts that PPO was never given are asked so often that this many answers come together. */
    private static final int LEAST_ANSWERS = 240;

    @Spec
    private CommandSpec spec;

    @Mixin
    private Where where;

    @Option(
            names = "--taste",
            defaultValue = "thou",
            description = "What the scripted annotator prefers: thou, short-lines, rhyme or calm (${DEFAULT-VALUE}).")
    private String taste;

    @Option(
            names = "--noise",
            paramLabel = "SHARE",
            defaultValue = "0",
            description = "Share of the votes for a text that go to the other one, 0 to 0.5 (${DEFAULT-VALUE}).")
    private double noise;

    @Option(
            names = "--votes",
            paramLabel = "N",
            defaultValue = "400",
            description = "Votes for one of two texts that the reward model is trained on (${DEFAULT-VALUE}).")
    private int votes;

    @Option(names = "--corpus", paramLabel = "FILE|URL", description = "Text to learn from; Shakespeare by default.")
    private String corpus;

    @Option(names = "--json", paramLabel = "FILE", description = "Writes the report as JSON, too.")
    private Path json;

    @Option(
            names = "--html",
            paramLabel = "FILE",
            description = "Writes the report as one HTML file with plots; demo.html in the home by default.")
    private Path html;

    private final Console console = Console.standard();

    @Override
    public Integer call() throws InterruptedException {
        Taste liked = checkedTaste();
        checkArguments();
        Home home = freshHome();
        Ports ports = where.ports();
        Preflight.portsAreFree(ports); // before the folder is not empty any more
        home.create();
        Map<String, String> settings = Map.of(
                "BARDSTREAM_REWARD_NEW_PAIRS", Integer.toString(votes),
                "BARDSTREAM_FEEDBACK_POOL_WAITING", "60",
                "BARDSTREAM_FEEDBACK_POOL_SETTLING", "10S",
                "BARDSTREAM_FEEDBACK_RATE_LIMIT_PER_SECOND", "1000");
        HeldSystem held = HeldSystem.take(home, ports, false, settings, console);
        return held.run(PRESET, system -> {
            DemoReport report = turned(home, ports, liked);
            report.lines().forEach(console::line);
            write(json, report.json());
            Path page = html == null ? home.path().resolve("demo.html") : html;
            write(page, new Page(report).html().getBytes(StandardCharsets.UTF_8));
            console.line("Report: " + page.toAbsolutePath().normalize());
            return report.succeeded() ? 0 : 1;
        });
    }

    private Taste checkedTaste() {
        return Taste.named(taste)
                .orElseThrow(() -> new ParameterException(
                        spec.commandLine(), "--taste is '" + taste + "'; there are " + Taste.names()));
    }

    private void checkArguments() {
        if (!(noise >= 0 && noise < 0.5)) {
            throw new ParameterException(
                    spec.commandLine(), "--noise is " + noise + "; it is a share from 0 up to, but without, 0.5");
        }
        if (votes < 20 || votes > 10_000) {
            throw new ParameterException(spec.commandLine(), "--votes is " + votes + "; it must be 20 to 10,000");
        }
        if (corpus != null) {
            TextToModel.problemOf(corpus).ifPresent(problem -> {
                throw new ParameterException(spec.commandLine(), "--corpus is '" + corpus + "'; " + problem);
            });
        }
        for (Path file : Stream.of(json, html).filter(each -> each != null).toList()) {
            Path folder = file.toAbsolutePath().getParent();
            if (Files.isDirectory(file) || !Files.isWritable(folder)) {
                throw new ParameterException(
                        spec.commandLine(),
                        "The report cannot be written to '" + file + "': no file can be made there");
            }
        }
    }

    /** An empty folder: the one that was named, else a new one in the checkout's state. */
    private Home freshHome() {
        if (!where.isNamed()) {
            String now = LocalDateTime.now().format(DateTimeFormatter.ofPattern("uuuuMMdd-HHmmss"));
            return new Home(Installation.current().defaultHome().resolve("demo-" + taste + "-" + now));
        }
        Home home = where.home();
        if (Files.exists(home.path())) {
            try (Stream<Path> files = Files.list(home.path())) {
                if (files.findAny().isPresent()) {
                    throw new ParameterException(
                            spec.commandLine(),
                            "--home " + home.path() + " is not empty; a demo begins on a folder of its own");
                }
            } catch (IOException e) {
                throw new CommandFailure("The home " + home.path() + " cannot be read (" + e + ").", e);
            }
        }
        return home;
    }

    private DemoReport turned(Home home, Ports ports, Taste liked) {
        Api trainer = new Api(ports.uri(Service.TRAINER));
        Api feedback = new Api(ports.uri(Service.FEEDBACK));
        ScriptedAnnotator annotator = new ScriptedAnnotator(feedback, liked, noise, SEED);
        Ring.Turn turn = new Ring(ports, home, annotator, console).turn(corpus, Preset.of(PRESET), votes);
        long began = System.nanoTime();
        List<String> prompts = unseenPrompts(feedback, trainer, turn.candidate());
        Answers before = answers(turn.policy(), prompts, turn, ports);
        Answers after = answers(turn.candidate(), prompts, turn, ports);
        String dataset = turn.ppo().path("dataset").asText();
        Measured measuredBefore = Measured.of(before, liked, validationLoss(trainer, turn.policy(), dataset));
        Measured measuredAfter = Measured.of(after, liked, validationLoss(trainer, turn.candidate(), dataset));
        JsonNode lineage = lineage(after.all().get(0).id(), ports);
        Map<String, Double> seconds = new LinkedHashMap<>(turn.seconds());
        seconds.put("measuring", (System.nanoTime() - began) / 1e9);
        return new DemoReport(
                taste,
                noise,
                seconds,
                turn.rewardModel().path("id").asText(),
                turn.ballots(),
                turn.onCandidate(),
                Accuracy.of(turn.rewardModel().path("held_out")),
                trainer.get("/v1/checkpoints/" + turn.candidate())
                        .path("metrics")
                        .path("objective/kl")
                        .asDouble(Double.NaN),
                turn.ppo().at("/hyperparameters/ppo/kl_ceiling").asDouble(),
                measuredBefore,
                measuredAfter,
                turn.updates(),
                Sample.of(before, after, Math.max(1, before.all().size() / SAMPLES_SHOWN)),
                lineage);
    }

    /** The form's prompts less those that PPO was given: neither policy has been trained on an answer to one. */
    private static List<String> unseenPrompts(Api feedback, Api trainer, String candidate) {
        Set<String> given = new HashSet<>();
        trainer.get("/v1/checkpoints/" + candidate + "/lineage")
                .at("/request/prompts")
                .forEach(prompt -> given.add(prompt.asText()));
        List<String> unseen = new ArrayList<>(Api.items(feedback.get("/v1/prompts")).stream()
                .map(prompt -> prompt.path("text").asText())
                .filter(prompt -> !given.contains(prompt))
                .sorted()
                .toList());
        if (given.isEmpty() || unseen.isEmpty()) {
            throw new CommandFailure("Of the form's prompts " + unseen.size() + " were kept from PPO, which was given "
                    + given.size() + "; both must be some.");
        }
        return unseen;
    }

    private static Answers answers(String checkpoint, List<String> prompts, Ring.Turn turn, Ports ports) {
        int times = (LEAST_ANSWERS + prompts.size() - 1) / prompts.size();
        return Answers.of(
                checkpoint,
                prompts,
                times,
                turn.rewardModel().path("id").asText(),
                new Api(ports.uri(Service.INFERENCE)),
                new Api(ports.uri(Service.REWARD)));
    }

    private static double validationLoss(Api trainer, String checkpoint, String dataset) {
        return trainer.post(
                        "/v1/checkpoints/" + checkpoint + "/evaluate",
                        Api.object().put("dataset", dataset).put("answers", 0))
                .path("loss")
                .asDouble();
    }

    /** Known as soon as the form's service has read the answer from its topic. */
    private static JsonNode lineage(String generation, Ports ports) {
        return Patience.awaited("Nothing is known of answer " + generation, () -> {
            try {
                return Optional.of(Lineage.of(generation, ports));
            } catch (CommandFailure notYet) {
                return Optional.empty();
            }
        });
    }

    private static void write(Path file, byte[] content) {
        if (file == null) {
            return;
        }
        try {
            Files.write(file, content);
        } catch (IOException e) {
            throw new CommandFailure("The report cannot be written to " + file + " (" + e + ").", e);
        }
    }
}

package io.bardstream.launcher;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Lets a checkpoint serve because somebody says so, or the one before it again. */
@Command(
        name = "promote",
        description = "Lets a checkpoint serve from now on, or again the one that served before.",
        mixinStandardHelpOptions = true)
final class Promote implements Callable<Integer> {
    @Mixin
    private Where where;

    /** Which. */
    static final class Which {
        @Parameters(paramLabel = "CHECKPOINT", description = "Id of a checkpoint; GET /v1/checkpoints lists them.")
        private String checkpoint;

        @Option(names = "--back", description = "The one that served before the one that serves.")
        private boolean back;
    }

    @ArgGroup(exclusive = true, multiplicity = "1")
    private Which which;

    @Option(names = "--reason", paramLabel = "TEXT", description = "Why, in a sentence; kept with the promotion.")
    private String reason;

    private final Console console = Console.standard();

    @Override
    public Integer call() {
        ObjectNode asked = Api.object();
        if (which.back) {
            asked.put("back", true);
        } else {
            asked.put("checkpoint", which.checkpoint);
        }
        if (reason != null) {
            asked.put("reason", reason);
        }
        JsonNode promotion = where.api(Service.REWARD).post("/v1/promotions", asked);
        String before = promotion.path("previous").asText("nothing");
        console.line(promotion.path("checkpoint").asText() + " serves, after " + before);
        return 0;
    }
}

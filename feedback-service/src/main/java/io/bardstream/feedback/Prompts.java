package io.bardstream.feedback;

import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.persistence.EntityManager;
import jakarta.transaction.Transactional;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.List;

/**
 * The texts that models are asked to continue: those that come with Bardstream, taken in where the table is empty at the start,
 * and what people add.
 */
@ApplicationScoped
class Prompts {
    private static final String BUNDLED = "/prompts/shakespeare.txt";

    private final EntityManager database;
    private final FeedbackSettings settings;
    private final Clock clock = Clock.systemUTC();

    Prompts(EntityManager database, FeedbackSettings settings) {
        this.database = database;
        this.settings = settings;
    }

    /** @param isNew false where the text had been added before */
    record Added(Prompt prompt, boolean isNew) {}

    @Transactional
    void start(@Observes StartupEvent event) {
        if (Prompt.count() == 0) {
            bundled().forEach(text -> insert(text, Prompt.Origin.BUNDLED));
        }
    }

    /** Adds a prompt as it is, space at its end and all: a model continues every character. */
    @Transactional
    Added add(String text) {
        String checked = Require.words(text, "text", settings.longestPrompt());
        boolean isNew = insert(checked, Prompt.Origin.PERSON);
        return new Added(Prompt.findById(Prompt.idOf(checked)), isNew);
    }

    @Transactional
    List<Prompt> list() {
        return Prompt.list("order by createdAt desc, id");
    }

    private boolean insert(String text, Prompt.Origin origin) {
        return database.createNativeQuery("insert into feedback.prompt (id, text, origin, created_at)"
                                + " values (?1, ?2, ?3, ?4) on conflict (id) do nothing")
                        .setParameter(1, Prompt.idOf(text))
                        .setParameter(2, text)
                        .setParameter(3, origin.name())
                        .setParameter(4, clock.instant())
                        .executeUpdate()
                == 1;
    }

    /** One prompt a line, in which {@code \n} is a line break and {@code \\} a backslash; {@code #} begins a remark. */
    static List<String> bundled() {
        try (InputStream file = Prompts.class.getResourceAsStream(BUNDLED)) {
            return new String(file.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.isEmpty() && !line.startsWith("#"))
                    .map(Prompts::unescaped)
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException("the bundled prompts cannot be read", e);
        }
    }

    private static String unescaped(String line) {
        StringBuilder text = new StringBuilder(line.length());
        for (int i = 0; i < line.length(); i++) {
            char letter = line.charAt(i);
            if (letter != '\\') {
                text.append(letter);
                continue;
            }
            char escaped = ++i < line.length() ? line.charAt(i) : 0;
            switch (escaped) {
                case 'n' -> text.append('\n');
                case '\\' -> text.append('\\');
                default -> throw new IllegalStateException("in " + BUNDLED + ": no such escape in '" + line + "'");
            }
        }
        return text.toString();
    }
}

package io.bardstream.feedback;

import io.bardstream.service.BundledPrompts;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.persistence.EntityManager;
import jakarta.transaction.Transactional;
import java.time.Clock;
import java.util.List;

/**
 * The texts that models are asked to continue: those that come with Bardstream, taken in where the table is empty at the start,
 * and what people add.
 */
@ApplicationScoped
class Prompts {
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
            BundledPrompts.all().forEach(text -> insert(text, Prompt.Origin.BUNDLED));
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
}

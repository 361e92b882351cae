package io.bardstream.feedback;

import io.bardstream.event.Checkpoint;
import io.bardstream.event.Dataset;
import io.bardstream.event.EventJson;
import io.bardstream.event.Topics;
import io.bardstream.event.Topics.Topic;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.jboss.logging.Logger;

/**
 * Which checkpoints have learned from votes: those whose dataset is a stretch of {@code preferences} in which one of the votes
 * lies, those that such a reward model taught, those that answered an erased prompt in training, and all that were trained on
 * from there. The topics tell it, as they stand.
 */
@ApplicationScoped
class Influence {
    private static final Logger LOG = Logger.getLogger(Influence.class);

    private final TopicLog log;

    Influence(TopicLog log) {
        this.log = log;
    }

    /**
     * The checkpoints that learned from any of these votes or after this prompt, directly or not, in the order in which
     * they were made.
     *
     * @param prompt id of a prompt that runs may have been asked to answer, or null
     */
    List<Checkpoint> of(Set<String> votes, String prompt) {
        List<Long> offsets = new ArrayList<>();
        log.read(Topics.PREFERENCES, record -> {
            if (votes.contains(record.key())) {
                offsets.add(record.offset());
            }
        });
        Set<String> datasets = new HashSet<>();
        each(Topics.DATASETS, dataset -> {
            if (offsets.stream().anyMatch(offset -> holds(dataset, offset))) {
                datasets.add(dataset.id());
            }
        });
        Set<String> runs = new HashSet<>();
        Map<String, String> judgeOfRun = new HashMap<>();
        each(Topics.TRAINING_REQUESTS, request -> {
            if (request.reward() != null) {
                judgeOfRun.putIfAbsent(request.runId(), request.reward());
            }
            if (request.prompts() != null
                    && request.prompts().stream()
                            .anyMatch(text -> Prompt.idOf(text).equals(prompt))) {
                runs.add(request.runId());
            }
        });
        return descendants(datasets, runs, judgeOfRun);
    }

    private static boolean holds(Dataset dataset, long offset) {
        return dataset.splits().stream()
                .flatMap(split -> split.ranges().stream())
                .anyMatch(range -> range.topic().equals(Topics.PREFERENCES.name())
                        && range.start() <= offset
                        && offset < range.end());
    }

    /** Again and again, until no further checkpoint has a touched parent or judge. */
    private static List<Checkpoint> descendants(
            Set<String> datasets, Set<String> runs, Map<String, String> judgeOfRun) {
        List<Checkpoint> all = StoredCheckpoint.<StoredCheckpoint>listAll().stream()
                .map(StoredCheckpoint::checkpoint)
                .toList();
        Set<String> touched = new HashSet<>();
        int before;
        do {
            before = touched.size();
            for (Checkpoint checkpoint : all) {
                String judge = judgeOfRun.get(checkpoint.runId());
                if (runs.contains(checkpoint.runId())
                        || (checkpoint.dataset() != null && datasets.contains(checkpoint.dataset()))
                        || (checkpoint.parent() != null && touched.contains(checkpoint.parent()))
                        || (judge != null && touched.contains(judge))) {
                    touched.add(checkpoint.id());
                }
            }
        } while (touched.size() > before);
        return all.stream()
                .filter(checkpoint -> touched.contains(checkpoint.id()))
                .sorted(Comparator.comparing(Checkpoint::at).thenComparing(Checkpoint::id))
                .toList();
    }

    /** Reads a topic's events; what is none of them, as of a later version, trained nothing that is known here. */
    private <T> void each(Topic<T> topic, Consumer<T> reader) {
        log.read(topic, record -> {
            if (record.value() != null) {
                try {
                    reader.accept(EventJson.read(record.value(), topic.value()));
                } catch (RuntimeException e) {
                    LOG.warnf("%s, offset %d: not read (%s)", topic.name(), record.offset(), e.getMessage());
                }
            }
        });
    }
}

package io.bardstream.training;

import io.bardstream.event.EventJson;
import io.bardstream.event.Preference;
import io.bardstream.event.Preference.Choice;
import io.bardstream.event.Topics;
import jakarta.annotation.PreDestroy;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.jboss.logging.Logger;

/**
 * What people prefer, from the topic {@code preferences} alone: its records from the first to an offset are all a reward model
 * is a function of. Nothing is kept between two readings.
 *
 * <p>A vote that a later one supersedes does not count. The votes of all annotators on a comparison are one pair, a tie
 * counting half for each text. Both-bad and skip say nothing of the two against each other and do not count; a comparison
 * that somebody flags does not count at all, nor does one of two equal texts.
 */
@ApplicationScoped
public class PreferenceLog {
    private static final Logger LOG = Logger.getLogger(PreferenceLog.class);
    private static final TopicPartition PARTITION = new TopicPartition(Topics.PREFERENCES.name(), 0);
    private static final Duration POLL = Duration.ofMillis(200);
    private static final Duration ANSWER = Duration.ofSeconds(10);
    private static final Set<Choice> COMPARING = EnumSet.of(Choice.A, Choice.B, Choice.TIE);

    private final LogReader log;
    private Consumer<byte[], byte[]> ends; // stays open: whoever waits for votes asks every other second

    PreferenceLog(LogReader log) {
        this.log = log;
    }

    /** The offset that the next vote will have. */
    public synchronized long end() {
        if (ends == null) {
            ends = log.consumer();
            ends.assign(List.of(PARTITION));
        }
        return ends.endOffsets(List.of(PARTITION), ANSWER).get(PARTITION);
    }

    @PreDestroy
    synchronized void close() {
        if (ends != null) {
            ends.close();
        }
    }

    /**
     * The pairs of the votes before an offset, in the order of their first votes.
     *
     * @param excluded annotators whose votes do not count
     * @param interrupted asked now and then; where it says yes the reading ends with an {@link InterruptedException}
     * @throws DatasetException where the topic ends before that offset, or a record is damaged
     */
    public List<JudgedPair> pairs(long end, Collection<String> excluded, BooleanSupplier interrupted)
            throws DatasetException, InterruptedException {
        List<Preference> votes = votes(end, interrupted);
        votes.removeIf(vote -> excluded.contains(vote.annotator()));
        return judged(votes);
    }

    /** Everybody who has voted before an offset. */
    public Set<String> annotators(long end) throws DatasetException, InterruptedException {
        return votes(end, () -> false).stream().map(Preference::annotator).collect(Collectors.toSet());
    }

    private List<Preference> votes(long end, BooleanSupplier interrupted)
            throws DatasetException, InterruptedException {
        List<Preference> votes = new ArrayList<>();
        try (Consumer<byte[], byte[]> consumer = log.consumer()) {
            consumer.assign(List.of(PARTITION));
            long there = consumer.endOffsets(List.of(PARTITION), ANSWER).get(PARTITION);
            if (there < end) {
                throw new DatasetException(
                        "topic %s ends at offset %d, asked for are the votes before offset %d: the broker has lost records, or is another one"
                                .formatted(PARTITION.topic(), there, end));
            }
            consumer.seekToBeginning(List.of(PARTITION));
            while (consumer.position(PARTITION) < end) {
                if (interrupted.getAsBoolean()) {
                    throw new InterruptedException("reading " + PARTITION.topic() + " was interrupted");
                }
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
                    if (record.offset() < end && record.value() != null) {
                        read(record).ifPresent(votes::add);
                    }
                }
            }
        }
        return votes;
    }

    /** A vote, where a record is one; every consumer passes over others alike. */
    private static Optional<Preference> read(ConsumerRecord<byte[], byte[]> record) {
        try {
            return Optional.of(EventJson.read(record.value(), Preference.class));
        } catch (RuntimeException e) {
            LOG.warnf("Offset %d of %s is no vote: %s", record.offset(), record.topic(), e.getMessage());
            return Optional.empty();
        }
    }

    /** The pairs of these votes, which stand in the order of the topic; one that comes twice counts once. */
    static List<JudgedPair> judged(List<Preference> votes) {
        Set<String> superseded = votes.stream()
                .map(Preference::supersedes)
                .filter(Objects::nonNull)
                .collect(Collectors.toSet());
        Map<String, Preference> standing = new LinkedHashMap<>();
        votes.stream().filter(vote -> !superseded.contains(vote.id())).forEach(vote -> standing.put(vote.id(), vote));
        Map<String, List<Preference>> comparisons = standing.values().stream()
                .collect(Collectors.groupingBy(Preference::comparison, LinkedHashMap::new, Collectors.toList()));
        return comparisons.values().stream()
                .filter(PreferenceLog::counts)
                .map(PreferenceLog::pair)
                .toList();
    }

    private static boolean counts(List<Preference> votes) {
        return votes.stream().noneMatch(vote -> vote.choice() == Choice.FLAG)
                && votes.stream().anyMatch(vote -> COMPARING.contains(vote.choice()))
                && !votes.get(0).a().equals(votes.get(0).b());
    }

    /** One pair of one comparison's votes. Which text an annotator saw as A differs from one to another. */
    private static JudgedPair pair(List<Preference> votes) {
        Preference shown = votes.get(0);
        double forFirst = 0;
        int count = 0;
        for (Preference vote : votes) {
            if (COMPARING.contains(vote.choice())) {
                boolean sameSides = vote.a().equals(shown.a());
                Choice first = sameSides ? Choice.A : Choice.B;
                forFirst += vote.choice() == Choice.TIE ? 0.5 : vote.choice() == first ? 1 : 0;
                count++;
            }
        }
        return new JudgedPair(
                shown.comparison(),
                shown.prompt(),
                shown.format(),
                shown.a(),
                shown.b(),
                shown.checkpointA(),
                shown.checkpointB(),
                forFirst / count,
                count);
    }
}

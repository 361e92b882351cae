package io.bardstream.feedback;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.bardstream.event.GenerationRequest.Format;
import io.bardstream.event.Ids;
import io.bardstream.event.InvalidFieldException;
import io.bardstream.event.Preference.Choice;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;

/**
 * A judgement with its two texts, as it goes out as a line of JSON, {@link Decided} or {@link Undecided}, and comes in
 * again as a {@link Line}.
 *
 * @param id of the vote
 * @param choice A, TIE or BOTH_BAD: what is preferred comes first
 * @param first the preferred text; of a tie or both bad, what was shown as A
 */
record Judged(
        String id,
        String comparison,
        String annotator,
        String prompt,
        Format format,
        Choice choice,
        Side first,
        Side second,
        String comment,
        Instant at) {

    /** A text, and where it comes from where that is known. */
    record Side(String text, String generation, String checkpoint) {
        private boolean isThat(String otherText, String otherGeneration, String otherCheckpoint) {
            return text.equals(otherText)
                    && (generation == null || generation.equals(otherGeneration))
                    && (checkpoint == null || checkpoint.equals(otherCheckpoint));
        }
    }

    /** A vote for one text, in TRL's words. Every line has every key, so that all lines have the same columns. */
    @JsonInclude(JsonInclude.Include.ALWAYS)
    record Decided(
            String prompt,
            String chosen,
            String rejected,
            Format format,
            String id,
            String comparison,
            String annotator,
            String comment,
            String chosenGeneration,
            String rejectedGeneration,
            String chosenCheckpoint,
            String rejectedCheckpoint,
            Instant at) {}

    /** A tie, or both bad. */
    @JsonInclude(JsonInclude.Include.ALWAYS)
    record Undecided(
            String prompt,
            String a,
            String b,
            Choice choice,
            Format format,
            String id,
            String comparison,
            String annotator,
            String comment,
            String generationA,
            String generationB,
            String checkpointA,
            String checkpointB,
            Instant at) {}

    /** What stands in the tables. */
    static Judged of(Vote vote, Comparison comparison) {
        Comparison.Texts texts = comparison.texts();
        Side first = new Side(texts.first(), comparison.firstGeneration, comparison.firstCheckpoint);
        Side second = new Side(texts.second(), comparison.secondGeneration, comparison.secondCheckpoint);
        boolean turned = vote.swapped != (vote.choice == Choice.B);
        return new Judged(
                vote.id,
                comparison.id,
                vote.annotator,
                texts.prompt(),
                comparison.format,
                vote.choice == Choice.B ? Choice.A : vote.choice,
                turned ? second : first,
                turned ? first : second,
                vote.comment,
                vote.createdAt);
    }

    Decided decided() {
        return new Decided(
                prompt,
                first.text,
                second.text,
                format,
                id,
                comparison,
                annotator,
                comment,
                first.generation,
                second.generation,
                first.checkpoint,
                second.checkpoint,
                at);
    }

    Undecided undecided() {
        return new Undecided(
                prompt,
                first.text,
                second.text,
                choice,
                format,
                id,
                comparison,
                annotator,
                comment,
                first.generation,
                second.generation,
                first.checkpoint,
                second.checkpoint,
                at);
    }

    /** A comparison of these texts, in this order. */
    Comparison newComparison(Comparison.Origin origin) {
        Comparison pair = new Comparison();
        pair.id = comparison;
        pair.origin = origin;
        pair.prompt = Prompt.idOf(prompt);
        pair.format = format;
        pair.texts = Facts.json(new Comparison.Texts(prompt, first.text, second.text));
        pair.firstGeneration = first.generation;
        pair.secondGeneration = second.generation;
        pair.firstCheckpoint = first.checkpoint;
        pair.secondCheckpoint = second.checkpoint;
        pair.state = Comparison.State.JUDGED;
        pair.annotators = 1;
        pair.judgements = 1;
        pair.createdAt = at;
        return pair;
    }

    /** Whether a comparison is of these texts, in whichever order; what is not said here may be anything. */
    boolean isOf(Comparison pair) {
        Comparison.Texts texts = pair.texts();
        boolean sameOrder = texts.first().equals(first.text);
        return prompt.equals(texts.prompt())
                && (format == null || format == pair.format)
                && (sameOrder ? first : second).isThat(texts.first(), pair.firstGeneration, pair.firstCheckpoint)
                && (sameOrder ? second : first).isThat(texts.second(), pair.secondGeneration, pair.secondCheckpoint);
    }

    /** This vote on a comparison of these texts, whichever comes first there. */
    Vote vote(Comparison pair) {
        boolean sameOrder = pair.texts().first().equals(first.text);
        Vote vote = new Vote();
        vote.id = id;
        vote.comparison = pair.id;
        vote.annotator = annotator;
        vote.swapped = choice == Choice.A ? Sides.swapped(pair.id, annotator) : !sameOrder;
        vote.choice = choice == Choice.A && sameOrder == vote.swapped ? Choice.B : choice;
        vote.comment = comment;
        vote.current = true;
        vote.createdAt = at;
        return vote;
    }

    /** A line that comes in, in the columns of both forms. Only the texts are needed, and a choice where none is preferred. */
    record Line(
            String prompt,
            String chosen,
            String rejected,
            String a,
            String b,
            Choice choice,
            Format format,
            String id,
            String comparison,
            String annotator,
            String comment,
            String chosenGeneration,
            String rejectedGeneration,
            String chosenCheckpoint,
            String rejectedCheckpoint,
            String generationA,
            String generationB,
            String checkpointA,
            String checkpointB,
            Instant at) {
        /** Who judged, where the line does not say. */
        private static final String SOMEBODY = "import";

        private static final int LAST_YEAR = 9999;

        /**
         * What the line says. Without ids it gets those of its content, so that it is the same each time it comes.
         *
         * @param now when it was said, where the line does not say
         * @throws InvalidFieldException naming the field that is missing or impossible
         */
        Judged judged(int longestText, int longestComment, Instant now) {
            boolean decided = choice == null;
            if (!decided && choice != Choice.TIE && choice != Choice.BOTH_BAD) {
                throw new InvalidFieldException(
                        "choice",
                        "is " + choice.label() + "; expected tie or both_bad, or chosen and rejected instead");
            }
            String question = Require.text(prompt, "prompt", longestText);
            Side first = decided
                    ? new Side(
                            Require.text(chosen, "chosen", longestText),
                            Require.optionalId(chosenGeneration, "chosen_generation"),
                            Require.optionalId(chosenCheckpoint, "chosen_checkpoint"))
                    : new Side(
                            Require.text(a, "a", longestText),
                            Require.optionalId(generationA, "generation_a"),
                            Require.optionalId(checkpointA, "checkpoint_a"));
            Side second = decided
                    ? new Side(
                            Require.text(rejected, "rejected", longestText),
                            Require.optionalId(rejectedGeneration, "rejected_generation"),
                            Require.optionalId(rejectedCheckpoint, "rejected_checkpoint"))
                    : new Side(
                            Require.text(b, "b", longestText),
                            Require.optionalId(generationB, "generation_b"),
                            Require.optionalId(checkpointB, "checkpoint_b"));
            if (first.text.equals(second.text)) {
                throw new InvalidFieldException(decided ? "rejected" : "b", "is the same text as the other");
            }
            String who = annotator == null ? SOMEBODY : Require.handle(annotator, "annotator");
            String pair = comparison == null
                    ? Ids.of("comparison", question, format, first.text, second.text)
                    : Require.optionalId(comparison, "comparison");
            return new Judged(
                    id == null ? Ids.of("vote", pair, who) : Require.optionalId(id, "id"),
                    pair,
                    who,
                    question,
                    format,
                    decided ? Choice.A : choice,
                    first,
                    second,
                    Require.optionalWords(comment, "comment", longestComment),
                    time(at == null ? now : at));
        }

        /** What the database can hold. */
        private static Instant time(Instant time) {
            int year = time.atOffset(ZoneOffset.UTC).getYear();
            if (year < 0 || year > LAST_YEAR) {
                throw new InvalidFieldException("at", "is in the year " + year + "; expected 0 to " + LAST_YEAR);
            }
            return time.truncatedTo(ChronoUnit.MICROS);
        }
    }
}

package io.bardstream.feedback;

/**
 * A comparison as one annotator sees it, without a word about the models.
 *
 * @param id of the comparison
 */
public record Shown(String id, String prompt, String a, String b) {
    static Shown of(Comparison comparison, String annotator) {
        return of(comparison, Sides.swapped(comparison.id, annotator));
    }

    /** @param swapped whether A is the second text */
    static Shown of(Comparison comparison, boolean swapped) {
        Comparison.Texts texts = comparison.texts();
        return new Shown(
                comparison.id,
                texts.prompt(),
                swapped ? texts.second() : texts.first(),
                swapped ? texts.first() : texts.second());
    }
}

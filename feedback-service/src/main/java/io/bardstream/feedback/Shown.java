package io.bardstream.feedback;

/**
 * A comparison as one annotator sees it, without a word about the models.
 *
 * @param id of the comparison
 */
public record Shown(String id, String prompt, String a, String b) {
    static Shown of(Comparison comparison, String annotator) {
        Comparison.Texts texts = comparison.texts();
        boolean swapped = Sides.swapped(comparison.id, annotator);
        return new Shown(
                comparison.id,
                texts.prompt(),
                swapped ? texts.second() : texts.first(),
                swapped ? texts.first() : texts.second());
    }
}

package io.bardstream.feedback;

import io.bardstream.event.Preference.Choice;
import io.quarkus.qute.i18n.Message;
import io.quarkus.qute.i18n.MessageBundle;

/**
 * Every word on the pages of this service. To translate them, write {@code messages/text_de.properties} with the same keys and
 * name the language in {@code quarkus.locales}; a browser gets the language that it asks for first. The script has no words of
 * its own: {@code form.html} hands them over.
 */
@MessageBundle(value = "text", locale = "en")
interface Texts {
    @Message("en")
    String language();

    // Every page

    @Message("Which is better?")
    String title();

    @Message("Skip to the content")
    String skipToContent();

    @Message("Pages")
    String pages();

    @Message("Compare")
    String compare();

    @Message("Prompts")
    String prompts();

    @Message("Statistics")
    String statistics();

    @Message("Bardstream asks people which of two texts is better, and learns from the answers.")
    String footer();

    // Beginning

    @Message("Two texts, one question")
    String welcome();

    @Message(
            "A model writes two texts to one prompt. You say which is better. From many such answers the model learns what "
                    + "people prefer.")
    String welcomeMore();

    @Message("Your handle")
    String handle();

    @Message(
            "Any name you like. It stands beside your votes, so that you find them again; nothing else is asked of you. "
                    + "Letters, digits, dots, lines and underscores, at most 40.")
    String handleMore();

    @Message("Begin")
    String begin();

    @Message("You are {handle}")
    String youAre(String handle);

    @Message("Somebody else")
    String somebodyElse();

    // A pair

    @Message("The prompt")
    String prompt();

    @Message("Text A")
    String a();

    @Message("Text B")
    String b();

    @Message("An empty text")
    String empty();

    @Message("Which text is better?")
    String question();

    @Message("A is better")
    String choiceA();

    @Message("B is better")
    String choiceB();

    @Message("Equally good")
    String choiceTie();

    @Message("Both bad")
    String choiceBothBad();

    @Message("Skip")
    String choiceSkip();

    @Message("Flag")
    String choiceFlag();

    @Message("Undo")
    String undo();

    @Message("Comment (optional)")
    String comment();

    @Message("Keys")
    String keys();

    @Message("Use the keys shown on the buttons")
    String useKeys();

    @Message("No pair waits for you")
    String nothing();

    @Message(
            "Pairs are written as soon as a model serves, and all the time while people vote. This page looks again by itself.")
    String nothingMore();

    @Message("Look again")
    String lookAgain();

    // What happens

    @Message(
            "{#switch choice.label}{#case 'a'}{text:choiceA}{#case 'b'}{text:choiceB}{#case 'tie'}{text:choiceTie}"
                    + "{#case 'both_bad'}{text:choiceBothBad}{#case 'skip'}{text:choiceSkip}{#case 'flag'}{text:choiceFlag}{/switch}")
    String choice(Choice choice);

    @Message("Saved: {text:choice(choice)}.")
    String saved(Choice choice);

    @Message("Taken back. Choose again.")
    String undone();

    @Message("The connection is lost. Your votes are kept in this browser and sent as soon as it is back.")
    String lost();

    @Message("The connection is back, and every vote has arrived.")
    String back();

    @Message("The service wants to know who you are. Load this page again to sign in; your votes are kept until then.")
    String signInAgain();

    @Message(
            "That was quick: the service takes no more for a moment. Your votes are kept in this browser and sent then.")
    String tooFast();

    @Message("A vote was not taken:")
    String refused();

    @Message("That did not work")
    String problem();

    @Message("Back to the form")
    String backToForm();

    // Progress and history

    @Message("Your progress")
    String progress();

    @Message("judged")
    String judged();

    @Message("today")
    String today();

    @Message("to be sent")
    String unsent();

    @Message("Your last judgements")
    String history();

    @Message("You have judged nothing yet.")
    String historyEmpty();

    @Message("Judge again")
    String judgeAgain();

    // Guidelines

    @Message("How to judge")
    String guidelines();

    @Message("Read the prompt, then both texts. Ask: which one would you rather read on?")
    String guideline1();

    @Message(
            "What counts, in this order: it continues the prompt, or answers it; it is language, with words that exist; it keeps "
                    + "the form, be it speech, verse or scene; it says something.")
    String guideline2();

    @Message("Length alone is no merit. A text may break off in the middle, for both were cut at the same length.")
    String guideline3();

    @Message(
            "Equally good: both would do, and you cannot choose. Both bad: neither would do. A small difference is a difference: "
                    + "choose.")
    String guideline4();

    @Message(
            "Skip: you cannot or do not want to judge this one. Flag: nobody should be shown it, for it is hateful, indecent, or "
                    + "tells something private about a real person.")
    String guideline5();

    @Message("Judge quickly and as you feel; there is no right answer. Undo takes the last one back.")
    String guideline6();

    // Prompts

    @Message("Prompts")
    String promptsTitle();

    @Message(
            "What models are asked to continue or, once they have learned to converse, to answer. Add your own: half a sentence, "
                    + "a speaker's name, a scene, a question.")
    String promptsMore();

    @Message("A new prompt")
    String newPrompt();

    @Message(
            "At most {longest} characters. Every character counts, also spaces and line breaks at the end. What you write is shown "
                    + "to everybody who judges.")
    String newPromptMore(int longest);

    @Message("Add")
    String add();

    @Message("Added. Pairs for it will come.")
    String added();

    @Message("This prompt is there already.")
    String addedBefore();

    @Message("Added by people")
    String fromPeople();

    @Message("Nobody has added one yet.")
    String fromNobody();

    @Message("Bundled")
    String bundled();

    // Statistics

    @Message("Nobody has voted yet.")
    String noVotes();

    @Message("votes")
    String votes();

    @Message("people")
    String people();

    @Message("per vote (median)")
    String secondsPerVote();

    @Message("pairs waiting")
    String waiting();

    @Message("Votes of each day")
    String perDay();

    @Message("Bars of the votes of each day from {first} to {last}; at most {most} on one day.")
    String perDayPlot(long most, String first, String last);

    @Message("As a table")
    String asTable();

    @Message("Day (UTC)")
    String day();

    @Message("Votes")
    String votesHead();

    @Message("What was chosen")
    String chosen();

    @Message("Choice")
    String choiceHead();

    @Message("Share")
    String share();

    @Message("Does the side matter?")
    String bias();

    @Message(
            "Of {of} choices between A and B {share} were for A. By chance it would be 50 %, for sides are drawn by lot; the true share "
                    + "lies between {from} and {to} with 95 % confidence.")
    String biasMore(String share, long of, String from, String to);

    @Message("Nobody has chosen between A and B yet.")
    String biasNone();

    @Message("Do people agree?")
    String agreement();

    @Message(
            "On {pairs} pairs that several people judged, two of them said the same in {share} of cases. Krippendorff's alpha is "
                    + "{alpha}: 1 is full agreement, 0 is what chance gives.")
    String agreementMore(String share, long pairs, String alpha);

    @Message(
            "No pair has been judged by two people yet. The setting bardstream.feedback.annotators-per-comparison says how many are "
                    + "asked about each.")
    String agreementNone();

    @Message("Annotators")
    String annotators();

    @Message("Handle")
    String handleHead();

    @Message("Judged")
    String judgedHead();

    @Message("A over B")
    String leftHead();

    @Message("Agreement")
    String agreementHead();

    @Message("Median time")
    String secondsHead();

    @Message("Last vote (UTC)")
    String lastHead();

    @Message("The same as JSON")
    String asJson();
}

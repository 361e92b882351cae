package io.bardstream.feedback;

import io.bardstream.event.Preference.Choice;
import io.quarkus.qute.CheckedTemplate;
import io.quarkus.qute.TemplateInstance;
import jakarta.ws.rs.CookieParam;
import jakarta.ws.rs.FormParam;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.NewCookie;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.UriBuilder;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.jboss.resteasy.reactive.Cache;
import org.jboss.resteasy.reactive.RestQuery;

/**
 * The form at {@code /}: a handle, then pair after pair. It is whole without a script, as pages and form posts; {@code form.js}
 * makes it quicker over the same API that programs use. That a post comes from a page of this service is checked by
 * {@link io.bardstream.service.Access}.
 */
@Path("/")
@Produces(MediaType.TEXT_HTML)
public class FormPage {
    static final String ANNOTATOR = "bardstream_annotator";

    private static final Duration REMEMBERED = Duration.ofDays(365);
    private static final int HISTORY = 20;

    private final Comparisons comparisons;
    private final Votes votes;
    private final Annotators annotators;
    private final Outbox outbox;
    private final Pool pool;
    private final FeedbackSettings settings;

    FormPage(
            Comparisons comparisons,
            Votes votes,
            Annotators annotators,
            Outbox outbox,
            Pool pool,
            FeedbackSettings settings) {
        this.comparisons = comparisons;
        this.votes = votes;
        this.annotators = annotators;
        this.outbox = outbox;
        this.pool = pool;
        this.settings = settings;
    }

    /** The templates, beside this class's name. */
    @CheckedTemplate
    static class Templates {
        static native TemplateInstance welcome(String here);

        static native TemplateInstance form(
                String here,
                String annotator,
                Shown pair,
                Annotators.Progress progress,
                List<Annotators.Past> past,
                Choice saved,
                boolean undone,
                int longestComment,
                List<Choice> choices);
    }

    /**
     * A browser keeps no copy, so who comes back to the form does not find a pair that was judged since.
     *
     * @param pair the comparison to show, when a vote on it was taken back; else the next one
     * @param saved what was chosen on the page before
     */
    @GET
    @Cache(noStore = true)
    @Operation(hidden = true)
    public TemplateInstance show(
            @CookieParam(ANNOTATOR) String annotator, @RestQuery String pair, @RestQuery String saved) {
        if (annotator == null || !Require.isHandle(annotator)) {
            return Templates.welcome("form");
        }
        Shown shown =
                pair == null ? comparisons.next(annotator, Set.of()).orElse(null) : comparisons.shown(pair, annotator);
        return Templates.form(
                "form",
                annotator,
                shown,
                annotators.progress(annotator),
                annotators.history(annotator, 0, HISTORY),
                saved == null ? null : Choice.of(saved),
                pair != null,
                settings.longestComment(),
                List.of(Choice.values()));
    }

    /** Takes a handle; an empty one forgets the one before. */
    @POST
    @Path("annotator")
    @Operation(hidden = true)
    public Response introduce(@FormParam("handle") String handle) {
        boolean leaves = handle == null || handle.isBlank();
        NewCookie cookie = new NewCookie.Builder(ANNOTATOR)
                .value(leaves ? "" : Require.handle(handle.strip(), "handle"))
                .path("/")
                .maxAge(leaves ? 0 : Math.toIntExact(REMEMBERED.toSeconds()))
                .httpOnly(true)
                .sameSite(NewCookie.SameSite.LAX)
                .build();
        return Response.seeOther(URI.create("/")).cookie(cookie).build();
    }

    /** A vote without script. Who votes on a pair again means the new choice. */
    @POST
    @Path("vote")
    @Operation(hidden = true)
    public Response vote(
            @CookieParam(ANNOTATOR) String annotator,
            @FormParam("comparison") String comparison,
            @FormParam("choice") String choice,
            @FormParam("comment") String comment) {
        Choice chosen = Choice.of(choice);
        votes.cast(
                Require.present(comparison, "comparison"),
                Require.handle(annotator, "annotator"),
                chosen,
                Require.optionalWords(typed(comment), "comment", settings.longestComment()),
                true);
        outbox.wake();
        pool.wake();
        return seeForm("saved", chosen.label());
    }

    @POST
    @Path("undo")
    @Operation(hidden = true)
    public Response undo(@CookieParam(ANNOTATOR) String annotator, @FormParam("comparison") String comparison) {
        Shown again = votes.undo(Require.present(comparison, "comparison"), Require.handle(annotator, "annotator"));
        outbox.wake();
        return seeForm("pair", again.id());
    }

    /** A browser sends the line breaks of a text field as CR LF; people mean the LF. */
    static String typed(String text) {
        return text == null ? null : text.replace("\r\n", "\n");
    }

    private static Response seeForm(String parameter, String value) {
        return Response.seeOther(
                        UriBuilder.fromPath("/").queryParam(parameter, value).build())
                .build();
    }
}

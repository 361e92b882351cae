package io.bardstream.feedback;

import io.quarkus.qute.CheckedTemplate;
import io.quarkus.qute.TemplateInstance;
import jakarta.ws.rs.FormParam;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.jboss.resteasy.reactive.RestQuery;

/** Where people see the prompts and add their own. */
@Path("/prompts")
@Produces(MediaType.TEXT_HTML)
public class PromptsPage {
    private final Prompts prompts;
    private final FeedbackSettings settings;

    PromptsPage(Prompts prompts, FeedbackSettings settings) {
        this.prompts = prompts;
        this.settings = settings;
    }

    /** The template, beside this class's name. */
    @CheckedTemplate
    static class Templates {
        static native TemplateInstance prompts(
                String here, List<Prompt> people, List<Prompt> bundled, Boolean added, int longest);
    }

    /** @param added whether the prompt sent on the page before is a new one */
    @GET
    @Operation(hidden = true)
    public TemplateInstance show(@RestQuery Boolean added) {
        Map<Prompt.Origin, List<Prompt>> byOrigin =
                prompts.list().stream().collect(Collectors.groupingBy(prompt -> prompt.origin));
        return Templates.prompts(
                "prompts",
                byOrigin.getOrDefault(Prompt.Origin.PERSON, List.of()),
                byOrigin.getOrDefault(Prompt.Origin.BUNDLED, List.of()),
                added,
                settings.longestPrompt());
    }

    @POST
    @Operation(hidden = true)
    public Response add(@FormParam("text") String text) {
        boolean isNew = prompts.add(FormPage.typed(text)).isNew();
        return Response.seeOther(URI.create("/prompts?added=" + isNew)).build();
    }
}

package io.bardstream.feedback;

import io.bardstream.service.ApiError;
import io.quarkus.qute.CheckedTemplate;
import io.quarkus.qute.TemplateInstance;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.container.ContainerResponseContext;
import jakarta.ws.rs.container.ResourceInfo;
import jakarta.ws.rs.core.MediaType;
import java.util.List;
import org.jboss.resteasy.reactive.server.ServerResponseFilter;

/** An error of a page is shown as a page, whatever it is: the same words as over the API, and a way back. */
public class ProblemPage {
    /** The template, beside this class's name. */
    @CheckedTemplate
    static class Templates {
        static native TemplateInstance problem(String here, String message, String back);
    }

    @ServerResponseFilter
    public void show(ContainerRequestContext request, ContainerResponseContext response, ResourceInfo resource) {
        if (response.getEntity() instanceof ApiError problem && isPage(resource)) {
            String back = resource.getResourceClass().getAnnotation(Path.class).value();
            String page = Templates.problem("", problem.error().message(), back)
                    .setLocale(request.getAcceptableLanguages().get(0))
                    .render();
            response.setEntity(page, null, MediaType.TEXT_HTML_TYPE);
        }
    }

    /** What no resource answered is none. */
    private static boolean isPage(ResourceInfo resource) {
        Class<?> answered = resource.getResourceClass();
        return answered != null
                && answered.isAnnotationPresent(Produces.class)
                && List.of(answered.getAnnotation(Produces.class).value()).contains(MediaType.TEXT_HTML);
    }
}

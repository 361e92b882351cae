package io.bardstream.feedback;

import com.microsoft.playwright.Page;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Properties;

/** axe-core, which knows what keeps people out of a page: contrast, labels, landmarks, the order of headings. */
final class Axe {
    private static final String RUN = """
            () => axe.run().then(found => found.violations.map(violation =>
                violation.id + ': ' + violation.nodes.map(node => node.html + ' ' + node.failureSummary).join('; ')))
            """;

    private Axe() {}

    /** One line for each rule that a page breaks, as it stands. */
    static List<?> violations(Page page) {
        page.evaluate(script());
        return (List<?>) page.evaluate(RUN);
    }

    private static String script() {
        Properties pom = new Properties();
        try (InputStream properties = resource("maven/org.webjars.npm/axe-core/pom.properties")) {
            pom.load(properties);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        try (InputStream script =
                resource("resources/webjars/axe-core/" + pom.getProperty("version") + "/axe.min.js")) {
            return new String(script.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static InputStream resource(String path) {
        return Axe.class.getResourceAsStream("/META-INF/" + path);
    }
}

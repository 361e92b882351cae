package io.bardstream.feedback;

import static io.restassured.RestAssured.given;

import com.microsoft.playwright.Browser;
import com.microsoft.playwright.BrowserContext;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.options.ColorScheme;
import io.bardstream.embedded.EmbeddedServices;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.http.ContentType;
import jakarta.inject.Inject;
import jakarta.persistence.EntityManager;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/** Makes the pictures of docs/images, with {@code -Dscreenshots=FOLDER}. */
@QuarkusTest
@QuarkusTestResource(EmbeddedServices.class)
@RequiresChromium
@EnabledIfSystemProperty(named = "screenshots", matches = ".+", disabledReason = "-Dscreenshots=FOLDER makes them")
class ScreenshotsTest {
    @TestHTTPResource("/")
    URI root;

    @Inject
    EntityManager database;

    private static Chromium chromium;

    @BeforeAll
    static void start() {
        chromium = new Chromium();
    }

    @AfterAll
    static void stop() {
        chromium.close();
    }

    @BeforeEach
    void aPair() {
        Given.nothingJudged(database);
        Given.pair(
                "ROMEO:\n",
                "O, speak again, bright angel! for thou art\nAs glorious to this night, being o'er my head,\n"
                        + "As is a winged messenger of heaven.",
                "Who will tut your success of a purle,\nFirst! and the sweet of my son, that the\nWhich he shall be.");
    }

    @Test
    void theFormByDayAndByNight() {
        form(desktop(ColorScheme.LIGHT), "form-light.png");
        form(desktop(ColorScheme.DARK), "form-dark.png");
    }

    @Test
    void theFormOnAPhone() {
        form(
                chromium.visitor(new Browser.NewContextOptions()
                        .setViewportSize(390, 700)
                        .setIsMobile(true)
                        .setHasTouch(true)),
                "form-phone.png");
    }

    @Test
    void theFirstPageAndThePrompts() {
        Page page = chromium.page(desktop(ColorScheme.LIGHT));
        page.navigate(root.toString());
        picture(page, "welcome.png");
        page.navigate(root.resolve("/prompts").toString());
        picture(page, "prompts.png");
    }

    @Test
    void theStatistics() {
        for (int i = 0; i < 150; i++) {
            String pair = Given.pairs(1).get(0);
            String choice =
                    List.of("a", "b", "tie", "both_bad", "b", "a", "skip").get(i * i % 7);
            for (String annotator : List.of("ariel", "puck").subList(i % 3 == 0 ? 0 : 1, 2)) {
                given().contentType(ContentType.JSON)
                        .body(Map.of("annotator", annotator, "choice", i % 9 == 0 ? "a" : choice))
                        .post("/v1/comparisons/{id}/vote", pair)
                        .then()
                        .statusCode(201);
            }
            Given.sql(
                    database,
                    "update feedback.vote set seconds = %d, created_at = created_at - interval '%d days' where comparison = '%s'"
                            .formatted(3 + i % 5, i * i % 26, pair));
        }
        Page page = chromium.page(desktop(ColorScheme.LIGHT));
        page.navigate(root.resolve("/statistics").toString());
        picture(page, "statistics.png");
        page.screenshot(new Page.ScreenshotOptions()
                .setPath(Path.of(System.getProperty("screenshots"), "statistics-full.png"))
                .setFullPage(true));
    }

    private void form(BrowserContext visitor, String name) {
        Page page = chromium.page(visitor);
        page.navigate(root.toString());
        page.getByLabel("Your handle").fill("ariel");
        page.getByText("Begin").click();
        page.locator(".with-keys").waitFor();
        picture(page, name);
    }

    private static BrowserContext desktop(ColorScheme scheme) {
        return chromium.visitor(
                new Browser.NewContextOptions().setViewportSize(1100, 720).setColorScheme(scheme));
    }

    private static void picture(Page page, String name) {
        page.mouse().move(0, 0);
        page.screenshot(new Page.ScreenshotOptions().setPath(Path.of(System.getProperty("screenshots"), name)));
    }
}

package io.bardstream.feedback;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.microsoft.playwright.Browser;
import com.microsoft.playwright.Page;
import io.bardstream.embedded.EmbeddedServices;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import jakarta.inject.Inject;
import jakarta.persistence.EntityManager;
import java.net.URI;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** With an API key set, a browser signs in once and then votes, with the script and all. */
@QuarkusTest
@QuarkusTestResource(EmbeddedServices.class)
@TestProfile(SignInInBrowserTest.WithKey.class)
@RequiresChromium
class SignInInBrowserTest {
    public static class WithKey implements QuarkusTestProfile {
        @Override
        public Map<String, String> getConfigOverrides() {
            return Map.of("bardstream.api-key", "sesame");
        }
    }

    @TestHTTPResource("/")
    URI root;

    @Inject
    EntityManager database;

    @Test
    void signsInAndVotes() {
        // Given
        Given.nothingJudged(database);
        Given.pairs(2);
        try (Chromium chromium = new Chromium()) {
            Page page = chromium.page(chromium.visitor(new Browser.NewContextOptions()));
            page.navigate(root.toString());

            // Then
            assertThat(Axe.violations(page)).isEmpty();

            // When
            page.getByLabel("API key").fill("open");
            page.getByText("Sign in").click();
            assertThat(page.getByText("This is not the key.")).isVisible();
            page.getByLabel("API key").fill("sesame");
            page.getByText("Sign in").click();
            page.getByLabel("Your handle").fill("ann");
            page.getByText("Begin").click();
            assertThat(page.locator(".with-keys")).isVisible();
            page.keyboard().press("1");

            // Then
            await().atMost(Duration.ofMinutes(1)).untilAsserted(() -> assertThat(
                            QuarkusTransaction.requiringNew().call(() -> Vote.count("annotator", "ann")))
                    .isEqualTo(1));
            assertThat(chromium.complaints()).isEmpty();
        }
    }
}

package io.bardstream.feedback;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.microsoft.playwright.APIResponse;
import com.microsoft.playwright.Browser;
import com.microsoft.playwright.BrowserContext;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Response;
import com.microsoft.playwright.Route;
import com.microsoft.playwright.options.AriaRole;
import com.microsoft.playwright.options.ColorScheme;
import com.microsoft.playwright.options.ReducedMotion;
import io.bardstream.embedded.EmbeddedServices;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import jakarta.persistence.EntityManager;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.awaitility.core.ThrowingRunnable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The form as people meet it: in a real browser, over the real service, database and broker. */
@QuarkusTest
@QuarkusTestResource(EmbeddedServices.class)
@RequiresChromium
class FormInBrowserTest {
    private static final String ONE_PIXEL_TOO_MANY = "() => document.documentElement.scrollWidth > innerWidth";

    @TestHTTPResource("/")
    URI root;

    @Inject
    EntityManager database;

    private final String annotator = "ann-" + UUID.randomUUID().toString().substring(0, 8);
    private static Chromium chromium;
    private Page page;

    @BeforeAll
    @Timeout(value = 3, unit = TimeUnit.MINUTES)
    static void start() {
        chromium = new Chromium();
    }

    @AfterAll
    static void stop() {
        chromium.close();
    }

    @BeforeEach
    void anEmptyPool() {
        Given.nothingJudged(database);
    }

    @AfterEach
    void nothingWentWrongInThePage() {
        assertThat(chromium.complaints()).isEmpty();
    }

    @Test
    void aVoteByMouse() {
        // Given
        Given.pairs(2);
        open(desktop());
        String first = pairOnPage();

        // When
        page.locator("#comment").fill(" A is shorter. ");
        button("A is better").click();

        // Then
        assertThat(page.locator("#status")).hasText("Saved: A is better.");
        assertThat(page.locator("#prompt-name")).isFocused();
        assertThat(page.locator("#comment")).hasValue("");
        assertThat(pairOnPage()).isNotEqualTo(first);
        assertVotes(List.of(first + " A A is shorter."));
        assertThat(page.locator("#judged")).hasText("1");
    }

    @Test
    void everyChoiceByKey() {
        // Given
        Given.pairs(7);
        open(desktop());
        List<String> expected = new ArrayList<>();

        // When
        for (String choice : List.of("1 A", "2 B", "0 TIE", "b BOTH_BAD", "s SKIP", "f FLAG")) {
            expected.add(pairOnPage() + choice.substring(1) + " null");
            pressAndAwaitAnother(choice.substring(0, 1));
        }

        // Then
        assertVotes(expected);
        assertThat(page.locator("#judged")).hasText("4");
    }

    @Test
    void theNextPairIsThereBeforeItIsAskedFor() {
        // Given
        Given.pairs(2);
        BrowserContext visitor = desktop();
        visitor.addInitScript("AbortSignal.timeout = (timeout => () => timeout(500))(AbortSignal.timeout)");
        openAwaitingTheNext(visitor);
        page.route("**/v1/**", route -> {}); // Nothing is answered from now on.
        String first = pairOnPage();

        // When
        page.keyboard().press("1");

        // Then
        assertThat(page.locator("#pair")).isVisible();
        assertThat(pairOnPage()).isNotEqualTo(first);
        assertThat(page.locator("#alert")).containsText("The connection is lost.");
    }

    @Test
    void undoTakesTheLastVoteBackAndShowsItAgain() {
        // Given
        Given.pairs(3);
        open(desktop());
        String first = pairOnPage();
        pressAndAwaitAnother("1");

        // When
        page.keyboard().press("u");

        // Then
        awaitPair(first);
        assertThat(page.locator("#status")).hasText("Taken back. Choose again.");
        assertVotes(List.of());
        assertThat(button("Undo")).isDisabled();

        // When
        pressAndAwaitAnother("2");

        // Then
        assertVotes(List.of(first + " B null"));
    }

    @Test
    void aVoteFromBeforeTheLoadIsTakenBackFromTheHistory() {
        // Given
        Given.pairs(3);
        open(desktop());
        String first = pairOnPage();
        pressAndAwaitAnother("1");
        pressAndAwaitAnother("2");
        eventually(() -> assertThat(votes()).hasSize(2));
        page.reload();

        // When
        page.getByText("Your last judgements").click();
        page.locator("#history li").last().getByText("Judge again").click();

        // Then
        awaitPair(first);
        eventually(() -> assertThat(votes()).hasSize(1));
    }

    @Test
    void keysAreForThoseWhoWantThem() {
        // Given
        Given.pairs(2);
        open(desktop());
        String first = pairOnPage();
        Locator kbd = button("A is better").locator("kbd");
        assertThat(kbd).isVisible();

        // When
        page.locator("#comment").pressSequentially("bus 120 f");

        // Then
        assertThat(pairOnPage()).as("while typing").isEqualTo(first);

        // When
        page.locator("#comment").blur();
        page.keyboard().press("Control+b");
        page.getByLabel("Use the keys shown on the buttons").uncheck();
        page.keyboard().press("1");

        // Then
        assertThat(kbd).isHidden();
        assertThat(pairOnPage()).as("switched off").isEqualTo(first);
        page.reload();
        assertThat(button("A is better").locator("kbd")).isHidden();
        page.keyboard().press("1");
        assertThat(pairOnPage()).as("still off").isEqualTo(first);
        assertThat(votes()).isEmpty();
    }

    @Test
    void whoComesBackFindsAPairThatIsNotJudged() {
        // Given
        Given.pairs(3);
        open(desktop());
        String first = pairOnPage();
        pressAndAwaitAnother("1");
        assertVotes(List.of(first + " A null"));
        page.getByText("Statistics").click();
        assertThat(page.getByText("What was chosen")).isVisible();

        // When
        page.goBack();

        // Then
        awaitForm();
        assertThat(pairOnPage()).isNotEqualTo(first);
        assertThat(page.locator("#judged")).hasText("1");
    }

    @Test
    void theSecondClickOfADoubleClickIsNoVote() {
        // Given
        Given.pairs(3);
        open(desktop());
        String first = pairOnPage();

        // When
        button("B is better").dblclick();

        // Then
        assertVotes(List.of(first + " B null"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "<script>alert(1)</script>",
                "</div></form></template><img src=x onerror=alert(1)>",
                "<svg onload=alert(1)><a href=\"javascript:alert(1)\">x</a>",
                "{{constructor.constructor('alert(1)')()}} {pair.id} ${7*7} {#if true}x{/if}",
                "\" autofocus onfocus=\"alert(1)",
                "<style>*{display:none}</style><meta http-equiv=refresh content=0;url=/prompts>",
                "\u202Eesrever\u2066 \u0007 \uD83D\uDC80 e\u0301"
            })
    void whateverATextHoldsItIsText(String payload) {
        // Given
        Given.pair(payload, payload + "1", payload + "2");
        Given.pair("x " + payload, payload + "3", payload + "4");
        openAwaitingTheNext(desktop());

        for (String by : List.of("server", "script")) {
            // Then
            String prompt = (String) page.locator("#prompt").evaluate("e => e.textContent");
            assertThat(prompt).as(by).endsWith(payload);
            for (String id : List.of("#a", "#b")) {
                assertThat((String) page.locator(id).evaluate("e => e.textContent"))
                        .startsWith(payload);
            }
            assertThat(page.locator(".text *").count()).as("elements in texts").isZero();

            // When
            page.locator("#comment").fill(payload);
            String before = pairOnPage();
            button("Both bad").click();
            if (by.equals("server")) {
                awaitAnother(before);
            }
        }
        eventually(() -> assertThat(votes()).hasSize(2));
        page.reload();
        assertThat(page.locator("#history li")).hasCount(2);
        assertThat(page.locator("#history bdi *").count()).isZero();
        assertThat(page.title()).isEqualTo("Which is better? · Bardstream");
    }

    @Test
    void aLostConnectionIsToldAndLosesNoVote() {
        // Given
        Given.pairs(3);
        BrowserContext visitor = desktop();
        openAwaitingTheNext(visitor);
        String first = pairOnPage();

        // When
        visitor.setOffline(true);
        pressAndAwaitAnother("1");

        // Then
        assertThat(page.locator("#alert")).containsText("The connection is lost.");
        assertThat(page.locator("#unsent")).hasText("1 to be sent");
        assertThat(votes()).isEmpty();

        // When
        String second = pairOnPage();
        page.keyboard().press("2");
        visitor.setOffline(false);

        // Then
        assertVotes(List.of(first + " A null", second + " B null"));
        assertThat(page.locator("#alert")).isHidden();
        assertThat(page.locator("#unsent")).isHidden();
        assertThat(page.locator("#status")).hasText("The connection is back, and every vote has arrived.");
    }

    @Test
    void aVoteOutlivesThePage() {
        // Given
        Given.pairs(3);
        BrowserContext visitor = desktop();
        openAwaitingTheNext(visitor);
        String first = pairOnPage();
        page.route("**/vote", route -> route.abort());
        page.keyboard().press("1");
        assertThat(page.locator("#alert")).isVisible();

        // When
        page.close();
        page = chromium.page(visitor);
        page.navigate(root.toString());

        // Then
        assertVotes(List.of(first + " A null"));
        awaitAnother(first);
        assertThat(page.locator("#pair")).isVisible();
    }

    @Test
    void aVoteWhoseAnswerIsLostIsOneVote() {
        // Given
        Given.pairs(2);
        openAwaitingTheNext(desktop());
        String first = pairOnPage();
        List<Integer> arrived = new ArrayList<>();
        page.route("**/vote", route -> {
            APIResponse answer = route.fetch();
            arrived.add(answer.status());
            if (arrived.size() == 1) {
                route.abort();
            } else {
                route.fulfill(new Route.FulfillOptions().setResponse(answer));
            }
        });

        // When
        page.keyboard().press("1");

        // Then
        assertThat(page.locator("#status")).hasText("The connection is back, and every vote has arrived.");
        assertThat(arrived).containsExactly(201, 200);
        assertVotes(List.of(first + " A null"));
        assertThat(QuarkusTransaction.requiringNew().call(() -> Vote.count("annotator", annotator)))
                .isEqualTo(1);
    }

    @ParameterizedTest
    @CsvSource({"401, Load this page again to sign in", "429, That was quick", "503, The connection is lost."})
    void aVoteThatTheServiceDoesNotTakeNowIsSentAgain(int status, String told) {
        // Given
        Given.pairs(2);
        openAwaitingTheNext(desktop());
        String first = pairOnPage();
        page.route("**/vote", route -> route.fulfill(new Route.FulfillOptions().setStatus(status)));

        // When
        page.keyboard().press("1");

        // Then
        assertThat(page.locator("#alert")).containsText(told);
        assertThat(votes()).isEmpty();

        // When
        page.unroute("**/vote");

        // Then
        assertVotes(List.of(first + " A null"));
        assertThat(page.locator("#alert")).isHidden();
    }

    @Test
    void aRefusedVoteIsTold() {
        // Given
        Given.pairs(2);
        openAwaitingTheNext(desktop());
        Given.nothingJudged(database);

        // When
        page.keyboard().press("1");

        // Then
        assertThat(page.locator("#alert")).containsText("A vote was not taken: There is no comparison");
        assertThat(page.locator("#unsent")).isHidden();
    }

    @Test
    void aPageOfAnotherSiteCannotVote() {
        // Given
        String pair = Given.pairs(1).get(0);
        BrowserContext visitor = desktop();
        open(visitor);
        visitor.route(
                "http://elsewhere.example/",
                route -> route.fulfill(
                        new Route.FulfillOptions().setContentType("text/html").setBody("""
                        <form method="post" action="%svote"><input name="comparison" value="%s">
                        <button name="choice" value="a">Win a prize</button></form>
                        """.formatted(root, pair))));
        page.navigate("http://elsewhere.example/");

        // When
        Response answer =
                page.waitForResponse("**/vote", () -> button("Win a prize").click());

        // Then
        assertThat(answer.status()).isEqualTo(403);
        assertThat(votes()).isEmpty();
    }

    @Test
    void aPairThatComesLaterIsShownByItself() {
        // Given
        open(desktop());
        assertThat(page.getByText("No pair waits for you")).isVisible();

        // When
        List<String> pair = Given.pairs(1);

        // Then
        awaitPair(pair.get(0));
        assertThat(page.getByText("No pair waits for you")).isHidden();
    }

    @Test
    void withoutScriptItIsWhole() {
        // Given
        Given.pairs(2);
        open(chromium.visitor(new Browser.NewContextOptions().setJavaScriptEnabled(false)));
        String first = pairOnPage();
        assertThat(page.locator("kbd").first()).isHidden();

        // When
        page.locator("#comment").fill("two\nlines");
        button("Equally good").click();

        // Then
        assertThat(page.locator("#status")).hasText("Saved: Equally good.");
        assertThat(pairOnPage()).isNotEqualTo(first);
        assertThat(votes()).containsExactly(first + " TIE two\nlines");

        // When
        button("Undo").click();

        // Then
        assertThat(page.locator("#status")).hasText("Taken back. Choose again.");
        assertThat(pairOnPage()).isEqualTo(first);
        assertThat(votes()).isEmpty();

        // When
        button("Skip").click();
        assertThat(page.locator("#status")).hasText("Saved: Skip.");
        page.getByText("Somebody else").click();

        // Then
        assertThat(page.getByLabel("Your handle")).isVisible();
        assertThat(votes()).containsExactly(first + " SKIP null");
    }

    @Test
    void onAPhoneNothingIsWiderThanTheScreen() {
        // Given
        Given.pair("W".repeat(300), "x".repeat(900), "wide words \u2014 ".repeat(40));
        BrowserContext phone = chromium.visitor(new Browser.NewContextOptions()
                .setViewportSize(360, 740)
                .setIsMobile(true)
                .setHasTouch(true));

        // When
        open(phone);

        // Then
        assertThat(page.evaluate(ONE_PIXEL_TOO_MANY)).isEqualTo(false);
        assertThat(button("B is better")).isInViewport();
        button("A is better").click();
        eventually(() -> assertThat(votes()).hasSize(1));
        for (String path : List.of("/prompts", "/statistics")) {
            page.navigate(root.resolve(path).toString());
            assertThat(page.evaluate(ONE_PIXEL_TOO_MANY)).as(path).isEqualTo(false);
        }
    }

    @Test
    void byKeyboardAloneFromTheFirstPageOn() {
        // Given
        Given.pairs(1);
        page = chromium.page(desktop());
        page.navigate(root.toString());

        // When
        page.keyboard().press("Tab");
        assertThat(page.getByText("Skip to the content")).isFocused();
        page.keyboard().press("Enter");
        page.keyboard().press("Tab");
        page.keyboard().type(annotator);
        page.keyboard().press("Enter");

        // Then
        awaitForm();
        String first = pairOnPage();
        page.keyboard().press("Tab");
        page.keyboard().press("Enter");
        for (int i = 0; i < 2; i++) {
            page.keyboard().press("Tab");
        }
        assertThat(button("B is better")).isFocused();
        page.keyboard().press("Enter");
        assertVotes(List.of(first + " B null"));
    }

    @ParameterizedTest
    @EnumSource(
            value = ColorScheme.class,
            names = {"LIGHT", "DARK"})
    void axeFindsNothing(ColorScheme scheme) {
        // Given
        Given.pairs(2);
        BrowserContext visitor = chromium.visitor(new Browser.NewContextOptions()
                .setColorScheme(scheme)
                .setReducedMotion(ReducedMotion.REDUCE)); // no colour is half there
        page = chromium.page(visitor);

        // When, Then
        page.navigate(root.toString());
        assertAccessible();
        open(visitor);
        assertAccessible();
        pressAndAwaitAnother("1");
        page.locator("details").evaluateAll("all => all.forEach(details => details.open = true)");
        assertAccessible();
        eventually(() -> assertThat(votes()).hasSize(1));
        for (String path : List.of("/prompts", "/statistics")) {
            page.navigate(root.resolve(path).toString());
            page.locator("details").evaluateAll("all => all.forEach(details => details.open = true)");
            assertAccessible();
        }
    }

    @Test
    void aPromptOfOnesOwn() {
        // Given
        String prompt = "HAMLET:\n<b>To be</b> " + annotator + "\n";
        page = chromium.page(desktop());

        // When
        page.navigate(root.resolve("/prompts").toString());
        page.getByLabel("A new prompt").fill(prompt);
        button("Add").click();

        // Then
        assertThat(page.locator("#content .status")).hasText("Added. Pairs for it will come.");
        assertThat(page.locator(".prompts li").first().evaluate("e => e.textContent"))
                .isEqualTo(prompt);
        assertThat(QuarkusTransaction.requiringNew().call(() -> Prompt.count("text", prompt)))
                .isEqualTo(1);

        // When
        page.getByLabel("A new prompt").fill(prompt);
        button("Add").click();

        // Then
        assertThat(page.locator("#content .status")).hasText("This prompt is there already.");
    }

    private BrowserContext desktop() {
        return chromium.visitor(new Browser.NewContextOptions().setViewportSize(1280, 800));
    }

    /** The form, after the handle was given. */
    private void open(BrowserContext visitor) {
        page = chromium.page(visitor);
        page.navigate(root.toString());
        page.getByLabel("Your handle").fill(annotator);
        button("Begin").click();
        awaitForm();
    }

    /** The form's page is there, and its script, where there is one, has run. */
    private void awaitForm() {
        assertThat(page.locator("#form")).isVisible();
        page.waitForLoadState();
    }

    private void openAwaitingTheNext(BrowserContext visitor) {
        page = chromium.page(visitor);
        page.navigate(root.toString());
        page.getByLabel("Your handle").fill(annotator);
        Response next =
                page.waitForResponse(response -> response.url().contains("/v1/comparisons/next"), () -> button("Begin")
                        .click());
        next.finished();
        awaitForm();
    }

    private Locator button(String name) {
        return page.getByRole(
                AriaRole.BUTTON, new Page.GetByRoleOptions().setName(name).setExact(true));
    }

    private String pairOnPage() {
        return page.locator("#pair [name=comparison]").inputValue();
    }

    private void awaitPair(String id) {
        assertThat(page.locator("#pair [name=comparison]")).hasValue(id);
        assertThat(page.locator("#pair")).isVisible();
    }

    private void pressAndAwaitAnother(String key) {
        String before = pairOnPage();
        page.keyboard().press(key);
        awaitAnother(before);
    }

    private void awaitAnother(String before) {
        assertThat(page.locator("#pair [name=comparison]")).not().hasValue(before);
    }

    /** What stands in the table for this annotator, oldest first: comparison, choice, comment. */
    private List<String> votes() {
        return QuarkusTransaction.requiringNew()
                .call(() ->
                        Vote.<Vote>list("annotator = ?1 and current and not undone order by createdAt", annotator)
                                .stream()
                                .map(vote -> vote.comparison + " " + vote.choice + " " + vote.comment)
                                .toList());
    }

    private void assertVotes(List<String> expected) {
        eventually(() -> assertThat(votes()).isEqualTo(expected));
    }

    private static void eventually(ThrowingRunnable assertion) {
        await().atMost(Duration.ofMinutes(1)).untilAsserted(assertion);
    }

    private void assertAccessible() {
        assertThat(Axe.violations(page)).isEmpty();
    }
}
